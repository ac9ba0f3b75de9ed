import { anyOf } from '../alternatives.ts'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

const form = { algorithm: 'sha1', header: 'X-Trello-Webhook', encoding: 'base64' } as const
/** What Trello's page calls the binary string: the same for a body in ASCII. */
const byLowBytes = hmacScheme({ ...form, payload: '{low-bytes:body}{url}', partOfBody: true })

export const trello: Provider = {
  id: 'trello',
  name: 'Trello',
  page: 'https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/',
  summary: 'HMAC-SHA1 over the raw body and the callback URL, base64, in X-Trello-Webhook.',
  scheme: anyOf(byLowBytes, hmacScheme({ ...form, payload: '{body}{url}' })),
  secret: refusing(
    textSecret(
      "the application's (OAuth 1.0) secret, used as text",
      'trello.com/power-ups/admin: the Power-Up, API key, Secret.',
      'service',
    ),
    /^ATTA/,
    'the Trello secret is a token of a user',
    "use the application's secret",
  ),
  traps: [
    'The callback URL is signed as it was given to Trello: set public-url where the gate stands behind another name.',
    'Creating the webhook sends a HEAD request that must be answered 200: it carries no signature, so open a window for it with challenge.',
    'The body stands before the URL.',
    'Of each character Trello signs the low byte alone (of an en dash, U+2013, the byte 0x13): whoever captures a request can put other characters with that byte into its place, once at most where replay remembers it. A signature over the bytes of the UTF-8 is taken too.',
    'There is no timestamp: add replay.',
  ],
}
