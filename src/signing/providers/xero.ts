import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const xero: Provider = {
  id: 'xero',
  name: 'Xero',
  page: 'https://developer.xero.com/documentation/guides/webhooks/configuring-your-server/',
  summary:
    "HMAC-SHA256 over the raw body, base64, in x-xero-signature, as Xero's own example (XeroAPI/XeroWebhooksReceiver) checks it.",
  scheme: hmacScheme({ algorithm: 'sha256', header: 'x-xero-signature', encoding: 'base64', payload: '{body}' }),
  secret: textSecret(
    'the webhooks key, used as text although it looks like base64',
    'Xero Developer: My Apps, the app, Webhooks, Webhooks key.',
    'service',
  ),
  traps: [
    'A wrong signature must be answered with 401, as its example and the gate do; others write that Xero sends such on purpose before it takes an endpoint.',
    'Its example answers with an empty body: let the upstream answer so.',
    'There is no timestamp: add replay.',
  ],
  response: '200 with an empty body.',
}
