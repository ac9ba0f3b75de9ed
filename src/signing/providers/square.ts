import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const square: Provider = {
  id: 'square',
  name: 'Square',
  page: 'https://developer.squareup.com/docs/webhooks/step3validate',
  summary: 'HMAC-SHA256 over the notification URL and the raw body, base64, in x-square-hmacsha256-signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'x-square-hmacsha256-signature',
    encoding: 'base64',
    payload: '{url}{body}',
  }),
  secret: refusing(
    textSecret(
      "the subscription's signature key, used as text",
      'Developer Console: the app, Webhooks, Subscriptions, the subscription, Signature key.',
      'service',
      () => randomBytes(16).toString('base64url'),
    ),
    /^(EAAA|sq0)/,
    'the Square secret is an access token or the application secret',
    "use the webhook subscription's signature key",
  ),
  eventId: { json: ['event_id'] },
  traps: [
    'The URL is signed as it stands in the Developer Console: set public-url where the gate stands behind another name.',
    'There is no timestamp: add replay.',
  ],
}
