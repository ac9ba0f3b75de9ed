import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const workos: Provider = {
  id: 'workos',
  name: 'WorkOS',
  page: 'https://workos.com/docs/events/data-syncing/webhooks',
  summary: 'HMAC-SHA256 over timestamp, "." and raw body, hexadecimal, as v1 beside t in WorkOS-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'WorkOS-Signature',
    encoding: 'hex',
    list: { separator: ',', tag: 'v1=', timestampTag: 't=' },
    timestamp: { unit: 'ms' },
    tolerance: 180_000,
    payload: '{timestamp}.{body}',
  }),
  secret: refusing(
    textSecret(
      "the endpoint's secret, used as text",
      'WorkOS Dashboard: Developer, Webhooks, the endpoint, Signing secret.',
      'service',
    ),
    /^sk_/,
    'the WorkOS secret is an API key',
    "use the webhook endpoint's signing secret",
  ),
  eventId: { json: ['id'] },
  traps: [
    "The timestamp is in milliseconds, and the tolerance of 3 minutes is that of WorkOS's own libraries.",
    'A blank stands behind the comma in the header.',
  ],
}
