import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const trello: Provider = {
  id: 'trello',
  name: 'Trello',
  page: 'https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/',
  summary: 'HMAC-SHA1 over the raw body and the callback URL, base64, in X-Trello-Webhook.',
  scheme: hmacScheme({ algorithm: 'sha1', header: 'X-Trello-Webhook', encoding: 'base64', payload: '{body}{url}' }),
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
    'Creating the webhook sends a HEAD request that must be answered 200: it carries no signature, so answer it by a route of its own.',
    'The body stands before the URL.',
    'There is no timestamp: add replay.',
  ],
}
