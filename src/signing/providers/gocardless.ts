import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const gocardless: Provider = {
  id: 'gocardless',
  name: 'GoCardless',
  page: 'https://github.com/gocardless/gocardless-nodejs/blob/master/src/webhooks.ts',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in Webhook-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'Webhook-Signature', encoding: 'hex', payload: '{body}' }),
  secret: textSecret(
    "the webhook endpoint's secret, used as text",
    'GoCardless Dashboard: Developers, Webhook endpoints, the endpoint, Secret.',
    'operator',
  ),
  traps: ['A request holds a list of events, each with an id of its own.', 'There is no timestamp: add replay.'],
}
