import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const nylas: Provider = {
  id: 'nylas',
  name: 'Nylas',
  page: 'https://github.com/nylas/cli/blob/main/docs/commands/webhooks.md',
  summary:
    'HMAC-SHA256 over the raw body, hexadecimal, in X-Nylas-Signature, as the command line tool of Nylas checks it.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-Nylas-Signature', encoding: 'hex', payload: '{body}' }),
  secret: textSecret(
    "the webhook's secret, used as text",
    'The answer to the call that creates the webhook, or that rotates its secret: webhook_secret. It is shown once.',
    'service',
  ),
  eventId: { json: ['id'] },
  traps: [
    'Before it sends, Nylas tries the endpoint by a GET with challenge in the query: open a window for it with challenge.',
    'There is no timestamp beside the signature: add replay.',
  ],
}
