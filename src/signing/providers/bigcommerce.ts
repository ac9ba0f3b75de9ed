import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const bigcommerce: Provider = {
  id: 'bigcommerce',
  name: 'BigCommerce',
  page: 'https://developer.bigcommerce.com/docs/integrations/webhooks/https-webhook-overview',
  summary:
    'HMAC-SHA256 over id, ".", timestamp, "." and raw body, base64, in webhook-signature: Standard Webhooks under the app\'s client secret.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'webhook-signature',
    encoding: 'base64',
    list: { separator: ' ', tag: 'v1,' },
    payload: '{id}.{timestamp}.{body}',
    timestamp: { header: 'webhook-timestamp', unit: 's' },
    id: { header: 'webhook-id' },
  }),
  secret: textSecret(
    'the client secret of the app or API account, used as text',
    'BigCommerce: the API account that makes the webhook, Client secret; for apps, Developer Portal, View client ID.',
    'service',
  ),
  eventId: { header: 'webhook-id', signed: true },
  traps: [
    'The secret is the text itself: do not write it in base64, and do not put whsec_ before it.',
    'It signs with the secret of the app that made the webhook, not with one of the webhook.',
    'Header names that guides of others give, such as X-BC-Signature, stand nowhere on its pages.',
  ],
  response: '200.',
}
