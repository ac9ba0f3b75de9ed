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
    'Before it sends events Xero tries the endpoint, partly with wrong signatures: they must be answered with 401, as the gate does, and the right ones with 200.',
    'It wants an empty body and no cookies in the answer: let the upstream answer so.',
    'There is no timestamp: add replay.',
  ],
  response: '200 with an empty body, within 5 seconds.',
}
