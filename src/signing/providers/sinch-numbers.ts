import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const sinchNumbers: Provider = {
  id: 'sinch-numbers',
  name: 'Sinch Numbers',
  page: 'https://github.com/sinch/sinch-sdk-node/blob/main/packages/sdk-client/src/utils/authorization.helper.ts',
  summary: 'HMAC-SHA1 over the raw body, hexadecimal, in X-Sinch-Signature.',
  scheme: hmacScheme({ algorithm: 'sha1', header: 'X-Sinch-Signature', encoding: 'hex', payload: '{body}' }),
  secret: textSecret(
    'the callback secret, used as text',
    'Numbers API: hmacSecret of the callback configuration.',
    'operator',
  ),
  eventId: { json: ['eventId'] },
  traps: ['There is no timestamp: add replay.'],
}
