import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const line: Provider = {
  id: 'line',
  name: 'LINE Messaging API',
  page: 'https://developers.line.biz/en/docs/messaging-api/verify-webhook-signature/',
  summary: 'HMAC-SHA256 over the raw body, base64, in x-line-signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'x-line-signature', encoding: 'base64', payload: '{body}' }),
  secret: textSecret(
    'the channel secret, used as text',
    'LINE Developers Console: the channel, Basic settings, Channel secret. Not the channel access token.',
    'service',
    () => randomBytes(16).toString('hex'),
  ),
  traps: [
    'The verify button sends a signed request whose events are an empty list.',
    'There is no timestamp: add replay.',
  ],
  response: '200.',
}
