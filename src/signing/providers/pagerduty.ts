import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const pagerduty: Provider = {
  id: 'pagerduty',
  name: 'PagerDuty V3 webhooks',
  page: 'https://developer.pagerduty.com/docs/webhooks/webhook-signatures/',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, as v1 in X-PagerDuty-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-PagerDuty-Signature',
    encoding: 'hex',
    list: { separator: ',', tag: 'v1=' },
    payload: '{body}',
  }),
  secret: textSecret(
    "the subscription's signing secret, used as text",
    'PagerDuty shows it once, when the webhook subscription is created.',
    'service',
  ),
  traps: [
    'While a secret is rolled there are several v1; any that matches counts. Other versions are passed over.',
    'The body alone is signed; guides that put "v1:" before it are wrong.',
    'There is no timestamp: add replay.',
  ],
}
