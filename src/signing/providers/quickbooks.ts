import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const quickbooks: Provider = {
  id: 'quickbooks',
  name: 'Intuit QuickBooks Online',
  page: 'https://developer.intuit.com/app/developer/qbo/docs/develop/webhooks/managing-webhooks-notifications',
  summary: 'HMAC-SHA256 over the raw body, base64, in intuit-signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'intuit-signature', encoding: 'base64', payload: '{body}' }),
  secret: textSecret(
    "the app's verifier token, used as text",
    'Intuit Developer: the app, Webhooks, Verifier token. Development and production have one each.',
    'service',
  ),
  traps: ['There is no timestamp: add replay.'],
}
