import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const webflow: Provider = {
  id: 'webflow',
  name: 'Webflow',
  page: 'https://developers.webflow.com/data/docs/working-with-webhooks#validating-request-signatures',
  summary: 'HMAC-SHA256 over timestamp, ":" and raw body, hexadecimal, in x-webflow-signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'x-webflow-signature',
    encoding: 'hex',
    timestamp: { header: 'x-webflow-timestamp', unit: 'ms' },
    payload: '{timestamp}:{body}',
  }),
  secret: textSecret(
    "the webhook's secret key, or the OAuth application's client secret, used as text",
    'The answer to the call that creates the webhook, or the settings of the OAuth application.',
    'service',
  ),
  traps: ["Webhooks that were made in a site's dashboard carry no signature.", 'The timestamp is in milliseconds.'],
}
