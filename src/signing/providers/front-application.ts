import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const frontApplication: Provider = {
  id: 'front-application',
  name: 'Front: application webhooks',
  page: 'https://dev.frontapp.com/docs/application-webhooks',
  summary: 'HMAC-SHA256 over timestamp, ":" and raw body, base64, in X-Front-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Front-Signature',
    encoding: 'base64',
    timestamp: { header: 'X-Front-Request-Timestamp', unit: 'ms' },
    payload: '{timestamp}:{body}',
  }),
  secret: textSecret(
    "the application's signing key, used as text",
    'Front: Developers, the app, its signing key.',
    'service',
  ),
  traps: [
    'Rule webhooks use the same header with SHA-1, another key and no timestamp: they are the provider front-rule.',
    'The timestamp is in milliseconds.',
    'Whenever the webhook is saved, Front sends a signed notification with X-Front-Challenge, and wants that back: challenge does it.',
  ],
}
