import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const typeform: Provider = {
  id: 'typeform',
  name: 'Typeform',
  page: 'https://www.typeform.com/developers/webhooks/secure-your-webhooks/',
  summary: 'HMAC-SHA256 over the raw body, base64, in Typeform-Signature behind "sha256=".',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'Typeform-Signature',
    encoding: 'base64',
    prefix: 'sha256=',
    payload: '{body}',
  }),
  secret: textSecret(
    'the secret that you chose, used as text',
    "Typeform: the form, Connect, Webhooks, the webhook's Secret; or secret in the call that updates the webhook.",
    'operator',
  ),
  traps: [
    'Behind sha256= stands base64, where others write hexadecimal.',
    'Without a secret nothing is signed.',
    'There is no timestamp: add replay.',
  ],
}
