import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

/** Shared by the versions: it is one secret. */
export const hubspotSecret = refusing(
  textSecret("the app's client secret, used as text", 'HubSpot: the app, Auth, Client secret.', 'service'),
  /^pat-/,
  'the HubSpot secret is an access token',
  "use the app's client secret",
)

/** The escapes that HubSpot's page lists; every other one is signed as it is. */
const DECODED = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/g

const decoded = (url: string): string =>
  url.includes('%') ? url.replace(DECODED, escaped => String.fromCharCode(Number.parseInt(escaped.slice(1), 16))) : url

const scheme = hmacScheme({
  algorithm: 'sha256',
  header: 'X-HubSpot-Signature-v3',
  encoding: 'base64',
  payload: '{method}{url}{body}{timestamp}',
  url: decoded,
  timestamp: { header: 'X-HubSpot-Request-Timestamp', unit: 'ms' },
})

export const hubspotV3: Provider = {
  id: 'hubspot-v3',
  name: 'HubSpot, version 3',
  page: 'https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation',
  summary:
    'HMAC-SHA256 over method, public URL with some escapes decoded, raw body and timestamp, base64, in X-HubSpot-Signature-v3.',
  scheme,
  secret: hubspotSecret,
  traps: [
    'The URL is signed as HubSpot was given it: set public-url where the gate stands behind another name.',
    'In the URL twelve escapes, such as %3A and %2F, are signed as the characters that they stand for.',
    'The weaker versions 1 and 2 come beside it, in other headers. They are never looked at.',
    'The timestamp is in milliseconds, and stands at the end of what is signed.',
  ],
}
