import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'
import { tokenScheme } from '../token.ts'

export const gitlab: Provider = {
  id: 'gitlab',
  name: 'GitLab',
  page: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  summary:
    'By a secret token nothing is signed: it comes back in X-Gitlab-Token. What a signing token signs is for standard-webhooks.',
  scheme: tokenScheme('X-Gitlab-Token'),
  secret: refusing(
    textSecret(
      'any text that you chose',
      'Project or group: Settings, Webhooks, the webhook, Secret token.',
      'operator',
    ),
    /^whsec_[A-Za-z0-9+/]{43}=$/,
    'the GitLab secret is a signing token',
    'write provider: standard-webhooks, which verifies what GitLab signs with it; or use the secret token',
  ),
  eventId: { header: 'Idempotency-Key', signed: false },
  passHeaders: ['X-Gitlab-Event'],
  traps: [
    'The header is absent unless a secret token is set.',
    'The token says nothing of the body: keep TLS.',
    'Newer versions sign too, where the webhook has a signing token (whsec_ and the base64 of 32 bytes), as Standard Webhooks do (https://gitlab.com/gitlab-org/gitlab/-/merge_requests/230944): give it to standard-webhooks, which covers the body.',
    'X-Gitlab-Event-UUID changes with every try; Idempotency-Key stays.',
  ],
  response: '2xx or 3xx.',
}
