import { firstPresent } from '../alternatives.ts'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

const form = { algorithm: 'sha256', encoding: 'base64', prefix: 'sha256=', payload: '{body}' } as const
const NEW = 'X-Twitter-Webhooks-Signature-OAuth2'
const OLD = 'X-Twitter-Webhooks-Signature'

const current = hmacScheme({ ...form, header: NEW })

export const xTwitter: Provider = {
  id: 'x-twitter',
  name: 'X, formerly Twitter',
  page: 'https://docs.x.com/x-api/webhooks/introduction',
  summary: `HMAC-SHA256 over the raw body, base64, behind "sha256=" in ${NEW}, or in ${OLD} where that is not sent.`,
  scheme: {
    ...firstPresent([
      { header: NEW, scheme: current },
      { header: OLD, scheme: hmacScheme({ ...form, header: OLD }) },
    ]),
    sign: current.sign,
  },
  secret: textSecret(
    "the app's OAuth 2.0 client secret, or its OAuth 1.0 consumer secret where it has no other; used as text",
    'X Developer Console: the app, Keys and tokens, Client Secret; API Secret Key for OAuth 1.0.',
    'service',
  ),
  traps: [
    'Where both headers come, the one of OAuth 2.0 alone is looked at: its secret is the client secret.',
    'The bearer token of the app signs nothing.',
    'X tries the endpoint again and again by a GET with crc_token, and wants it signed with the same secret. The gate signs nothing that a stranger chose, as its answer would pass for the signature of a body: let a route for GET pass it to a program of yours that answers.',
    'There is no timestamp: add replay.',
  ],
  response: '200 within 10 seconds.',
}
