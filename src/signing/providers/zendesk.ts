import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const zendesk: Provider = {
  id: 'zendesk',
  name: 'Zendesk',
  page: 'https://developer.zendesk.com/documentation/webhooks/verifying/',
  summary: 'HMAC-SHA256 over timestamp and raw body without a separator, base64, in X-Zendesk-Webhook-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Zendesk-Webhook-Signature',
    encoding: 'base64',
    payload: '{timestamp}{body}',
    timestamp: { header: 'X-Zendesk-Webhook-Signature-Timestamp', unit: 'iso' },
  }),
  secret: textSecret(
    'text that looks like base64; it is used as it stands and never decoded',
    'Admin Center: Apps and integrations, Webhooks, the webhook, Reveal secret.',
    'service',
    () => randomBytes(32).toString('base64'),
  ),
  eventId: { header: 'X-Zendesk-Webhook-Invocation-Id', signed: false },
  traps: [
    'The secret is not decoded, though it looks like base64.',
    'Trigger and automation webhooks may send forms or other methods: set match.methods and content-type to fit.',
    'Webhooks under test are signed with a fixed secret that Zendesk publishes, not with yours.',
  ],
}
