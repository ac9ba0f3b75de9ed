import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const meta: Provider = {
  id: 'meta',
  name: 'Meta: WhatsApp, Messenger, Instagram',
  page: 'https://developers.facebook.com/docs/graph-api/webhooks/getting-started/',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Hub-Signature-256.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Hub-Signature-256',
    encoding: 'hex',
    prefix: 'sha256=',
    payload: '{body}',
  }),
  secret: textSecret(
    'the app secret, used as text',
    'App Dashboard: App settings, Basic, App secret. Not the verify token.',
    'service',
    () => randomBytes(16).toString('hex'),
  ),
  traps: [
    'The signature covers the bytes as sent, with their \\u escapes: JSON that was parsed and written again does not verify.',
    'X-Hub-Signature (SHA-1) comes too, for old receivers. It is never looked at.',
    'There is no timestamp: add replay.',
  ],
  response: '200.',
}
