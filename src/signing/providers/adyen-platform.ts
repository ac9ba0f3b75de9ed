import { hmacScheme } from '../hmac.ts'
import type { Provider } from '../provider.ts'
import { decodedSecret } from '../secret-forms.ts'

export const adyenPlatform: Provider = {
  id: 'adyen-platform',
  name: 'Adyen: Balance Platform, Management',
  page: 'https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures',
  summary: 'HMAC-SHA256 over the raw body, base64, in HmacSignature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'HmacSignature', encoding: 'base64', payload: '{body}' }),
  secret: decodedSecret(
    'hex',
    {
      looks: '64 hexadecimal digits; they are decoded before they are the key',
      where: 'Customer Area: Developers, Webhooks, the webhook, HMAC key. Shown once.',
      madeBy: 'service',
    },
    32,
  ),
  traps: [
    'Payment webhooks carry their signature in the body, over some of its members: they are not this provider.',
    'The key is decoded from hexadecimal before it is the key.',
    'There is no timestamp: add replay.',
  ],
}
