import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const lemonsqueezy: Provider = {
  id: 'lemonsqueezy',
  name: 'Lemon Squeezy',
  page: 'https://docs.lemonsqueezy.com/help/webhooks/signing-requests',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-Signature', encoding: 'hex', payload: '{body}' }),
  secret: refusing(
    textSecret(
      'any text that you chose',
      'Lemon Squeezy: Settings, Webhooks, the webhook, Signing secret.',
      'operator',
      () => randomBytes(20).toString('hex'),
    ),
    /^eyJ/,
    'the Lemon Squeezy secret is an API key',
    "use the webhook's signing secret",
  ),
  traps: ['The header has a general name that other services use too.', 'There is no timestamp: add replay.'],
}
