import { type Provider, textSecret } from '../provider.ts'
import { tokenScheme } from '../token.ts'

export const gitlab: Provider = {
  id: 'gitlab',
  name: 'GitLab',
  page: 'https://docs.gitlab.com/user/project/integrations/webhooks/',
  summary: 'Nothing is signed: the secret token comes back in X-Gitlab-Token.',
  scheme: tokenScheme('X-Gitlab-Token'),
  secret: textSecret(
    'any text that you chose',
    'Project or group: Settings, Webhooks, the webhook, Secret token.',
    'operator',
  ),
  eventId: { header: 'Idempotency-Key', signed: false },
  traps: [
    'The header is absent unless a secret token is set.',
    'The token says nothing of the body: keep TLS.',
    'X-Gitlab-Event-UUID changes with every try; Idempotency-Key stays.',
  ],
  response: '2xx or 3xx.',
}
