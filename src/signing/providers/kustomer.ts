import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const kustomer: Provider = {
  id: 'kustomer',
  name: 'Kustomer',
  page: 'https://developer.kustomer.com/docs/events/delivery-and-retries.md',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Kustomer-Webhook-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Kustomer-Webhook-Signature',
    encoding: 'hex',
    payload: '{body}',
  }),
  secret: refusing(
    textSecret(
      "the webhook's token, used as text",
      'Kustomer: Settings, Platform, Webhooks, the webhook, Token.',
      'service',
    ),
    /^eyJ/,
    'the Kustomer secret is an API key',
    "use the webhook's token",
  ),
  eventId: { json: ['id'] },
  traps: ['Events may come more than once, and out of order.', 'There is no timestamp: add replay.'],
  response: '2xx; otherwise Kustomer tries again for about an hour.',
}
