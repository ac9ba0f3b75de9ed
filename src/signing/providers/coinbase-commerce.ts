import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const coinbaseCommerce: Provider = {
  id: 'coinbase-commerce',
  name: 'Coinbase Commerce',
  page: 'https://github.com/coinbase/coinbase-commerce-node/blob/master/lib/Webhook.js',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-CC-Webhook-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-CC-Webhook-Signature', encoding: 'hex', payload: '{body}' }),
  secret: textSecret(
    'the webhook shared secret, used as text',
    'Coinbase Commerce: Settings, Notifications, Webhook subscriptions, Show shared secret.',
    'service',
  ),
  eventId: { json: ['event', 'id'] },
  traps: ['There is no timestamp: add replay.'],
}
