import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const paddle: Provider = {
  id: 'paddle',
  name: 'Paddle Billing',
  page: 'https://developer.paddle.com/webhooks/signature-verification',
  summary: 'HMAC-SHA256 over timestamp, ":" and raw body, hexadecimal, as h1 beside ts in Paddle-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'Paddle-Signature',
    encoding: 'hex',
    list: { separator: ';', tag: 'h1=', timestampTag: 'ts=' },
    timestamp: { unit: 's' },
    tolerance: 5_000,
    payload: '{timestamp}:{body}',
  }),
  secret: refusing(
    textSecret(
      "the notification destination's secret key, pdl_ntfset_ and text; all of it is the key",
      'Paddle: Developer tools, Notifications, the destination, Secret key.',
      'service',
      () => `pdl_ntfset_${randomBytes(24).toString('base64url')}`,
    ),
    /^pdl_(live|sdbx)_apikey_/,
    'the Paddle secret is an API key',
    "use the notification destination's secret key, which starts with pdl_ntfset_",
  ),
  eventId: { json: ['event_id'] },
  traps: [
    "The tolerance of 5 seconds is that of Paddle's own libraries: set tolerance where deliveries wait on the way.",
    'While a key is rolled there are several h1; any that matches counts.',
    'A colon stands between what is signed, a semicolon in the header.',
  ],
}
