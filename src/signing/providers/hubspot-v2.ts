import { withFixedHeader } from '../fixed-header.ts'
import { prefixHash } from '../prefix-hash.ts'
import type { Provider } from '../provider.ts'
import { hubspotSecret } from './hubspot-v3.ts'

export const hubspotV2: Provider = {
  id: 'hubspot-v2',
  name: 'HubSpot, version 2',
  page: 'https://developers.hubspot.com/docs/faq/v2-request-validation',
  summary:
    'SHA-256 over the client secret, method, public URL and raw body, hexadecimal, in X-HubSpot-Signature: no HMAC.',
  scheme: withFixedHeader(
    'X-HubSpot-Signature-Version',
    'v2',
    prefixHash('X-HubSpot-Signature', ({ method, publicUrl }) => method + publicUrl),
  ),
  secret: hubspotSecret,
  traps: [
    'The URL is signed as HubSpot was given it: set public-url where the gate stands behind another name.',
    'HubSpot sends version 3 beside it, which is stronger: use hubspot-v3 where it comes.',
    'A request of another version is refused, and never tried as this one.',
    'GET requests come too: set match.methods to fit.',
    'There is no timestamp: add replay.',
  ],
}
