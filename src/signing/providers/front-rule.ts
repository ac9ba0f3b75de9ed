import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const frontRule: Provider = {
  id: 'front-rule',
  name: 'Front: rule webhooks',
  page: 'https://dev.frontapp.com/docs/rule-webhooks',
  summary: 'HMAC-SHA1 over the raw body, base64, in X-Front-Signature.',
  scheme: hmacScheme({ algorithm: 'sha1', header: 'X-Front-Signature', encoding: 'base64', payload: '{body}' }),
  secret: textSecret(
    "the company's API secret, used as text",
    'The API secret of your company in Front; the page names it.',
    'service',
  ),
  traps: [
    'Application webhooks use the same header with SHA-256, another key and a timestamp: they are the provider front-application.',
    'There is no timestamp: add replay.',
  ],
}
