import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const asana: Provider = {
  id: 'asana',
  name: 'Asana',
  page: 'https://developers.asana.com/docs/webhooks-guide',
  summary:
    "HMAC-SHA256 over the raw body, hexadecimal, in X-Hook-Signature. That it is hexadecimal rests on Asana's example code; its pages leave it open.",
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-Hook-Signature', encoding: 'hex', payload: '{body}' }),
  secret: textSecret(
    'the X-Hook-Secret of the handshake, used as text',
    'It is handed over once, when the webhook is made: challenge keeps it in the file of save-to.',
    'service',
  ),
  traps: [
    'Each webhook has a secret of its own: several webhooks on one route need several secrets.',
    'Every 8 hours a heartbeat comes, whose list of events is empty; without answers for a day the webhook is deleted.',
    'There is no timestamp: add replay.',
  ],
  response: '200 or 204 within 10 seconds.',
}
