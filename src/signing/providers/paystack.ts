import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const paystack: Provider = {
  id: 'paystack',
  name: 'Paystack',
  page: 'https://paystack.com/docs/payments/webhooks/',
  summary:
    "HMAC-SHA512 over the raw body, hexadecimal, in x-paystack-signature, as the examples of Paystack's pages (PaystackOSS/doc-code-snippets) check it.",
  scheme: hmacScheme({ algorithm: 'sha512', header: 'x-paystack-signature', encoding: 'hex', payload: '{body}' }),
  secret: refusing(
    textSecret(
      "the account's secret key, sk_live_ or sk_test_ and text; all of it is the key",
      'Paystack Dashboard: Settings, API Keys & Webhooks, Secret Key.',
      'service',
    ),
    /^pk_/,
    'the Paystack secret is the public key',
    'use the secret key, which starts with sk_',
  ),
  traps: [
    "The key is the account's API key: whoever has it can also move money, so keep it out of every other place.",
    'Live and test events are signed with different keys.',
    'There is no timestamp: add replay.',
  ],
  response: '200.',
}
