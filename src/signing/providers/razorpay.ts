import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const razorpay: Provider = {
  id: 'razorpay',
  name: 'Razorpay',
  page: 'https://razorpay.com/docs/webhooks/validate-test/',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Razorpay-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-Razorpay-Signature', encoding: 'hex', payload: '{body}' }),
  secret: refusing(
    textSecret(
      'any text that you chose',
      'Dashboard: Account and Settings, Webhooks, the webhook, Secret. It is not the API key secret.',
      'operator',
    ),
    /^rzp_(live|test)_/,
    'the Razorpay secret is an API key id',
    "use the webhook's secret",
  ),
  traps: [
    'Signatures of a checkout are made with the API key secret over other text, and do not verify here.',
    'There is no timestamp: add replay.',
  ],
}
