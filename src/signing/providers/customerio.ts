import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const customerio: Provider = {
  id: 'customerio',
  name: 'Customer.io',
  page: 'https://docs.customer.io/api/webhooks/',
  summary:
    'HMAC-SHA256 over "v0:", timestamp, ":" and raw body, hexadecimal, in X-CIO-Signature, as its own library (customerio-node) checks it.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-CIO-Signature',
    encoding: 'hex',
    payload: 'v0:{timestamp}:{body}',
    timestamp: { header: 'X-CIO-Timestamp', unit: 's' },
  }),
  secret: textSecret(
    "the webhook's signing key, used as text",
    "Customer.io: Data & Integrations, Integrations, Reporting Webhooks, the webhook's page.",
    'service',
  ),
  eventId: { json: ['event_id'] },
  traps: [
    'Nothing stands before the signature in the header, although v0 stands in what is signed.',
    'Customer.io names no tolerance, and its library checks none: five minutes are used unless the config says otherwise.',
  ],
  response: '2xx within 4 seconds.',
}
