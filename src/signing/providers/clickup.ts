import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const clickup: Provider = {
  id: 'clickup',
  name: 'ClickUp',
  page: 'https://developer.clickup.com/docs/webhooksignature',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-Signature', encoding: 'hex', payload: '{body}' }),
  secret: refusing(
    textSecret(
      "the webhook's secret, used as text",
      'The answer to the call that creates the webhook: webhook.secret.',
      'service',
    ),
    /^pk_/,
    'the ClickUp secret is a personal API token',
    'use webhook.secret of the answer that created the webhook',
  ),
  traps: ['The header has a general name that other services use too.', 'There is no timestamp: add replay.'],
}
