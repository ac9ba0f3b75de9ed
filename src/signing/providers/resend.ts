import type { Provider } from '../provider.ts'
import { refusing } from '../secret-forms.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { svixHeaders } from './svix.ts'

export const resend: Provider = {
  id: 'resend',
  name: 'Resend',
  page: 'https://resend.com/docs/webhooks/verify-webhooks-requests',
  summary: 'HMAC-SHA256 over id, ".", timestamp, "." and raw body, base64, as v1 in svix-signature.',
  scheme: svixHeaders,
  secret: refusing(
    { ...standardWebhooks.secret, where: 'Resend: Webhooks, the webhook, Signing secret.' },
    /^re_/,
    'the Resend secret is an API key',
    "use the webhook's signing secret, which starts with whsec_",
  ),
  eventId: { header: 'svix-id', signed: true },
  traps: ['The part after whsec_ is decoded from base64 before it is the key.'],
}
