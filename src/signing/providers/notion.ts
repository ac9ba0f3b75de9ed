import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const notion: Provider = {
  id: 'notion',
  name: 'Notion',
  page: 'https://developers.notion.com/reference/webhooks',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Notion-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Notion-Signature',
    encoding: 'hex',
    prefix: 'sha256=',
    payload: '{body}',
  }),
  secret: refusing(
    textSecret(
      "the subscription's verification token, used as text",
      'It comes in the first request to a new subscription, as verification_token, and is pasted back on the Webhooks tab of the integration.',
      'service',
      () => `secret_${randomBytes(32).toString('base64url')}`,
    ),
    /^ntn_/,
    'the Notion secret is an integration token',
    'use the verification_token that the new subscription sent',
  ),
  eventId: { json: ['id'] },
  traps: [
    'The first request brings the token itself, so nothing can verify it: it is refused until the token is here.',
    'There is no timestamp: add replay.',
  ],
}
