import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const zoom: Provider = {
  id: 'zoom',
  name: 'Zoom',
  page: 'https://developers.zoom.us/docs/api/webhooks/#verify-webhook-events',
  summary: 'HMAC-SHA256 over "v0:", timestamp, ":" and raw body, hexadecimal, in x-zm-signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'x-zm-signature',
    encoding: 'hex',
    prefix: 'v0=',
    timestamp: { header: 'x-zm-request-timestamp', unit: 's' },
    payload: 'v0:{timestamp}:{body}',
  }),
  secret: textSecret(
    "the app's secret token, used as text",
    'Zoom App Marketplace: Manage, the app, Features, Access, Secret Token.',
    'service',
  ),
  traps: [
    'The verification token that Zoom once sent in Authorization is no secret of this scheme.',
    'Zoom validates the endpoint every 72 hours with a challenge.',
  ],
}
