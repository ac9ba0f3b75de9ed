import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const jira: Provider = {
  id: 'jira',
  name: 'Jira Cloud',
  page: 'https://developer.atlassian.com/cloud/jira/platform/webhooks/',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Hub-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Hub-Signature',
    encoding: 'hex',
    prefix: 'sha256=',
    payload: '{body}',
  }),
  secret: textSecret(
    'any text that you chose, or that Jira made',
    'Jira: Settings, System, WebHooks, the webhook, Secret.',
    'operator',
  ),
  traps: [
    'Only webhooks with a secret are signed.',
    'The header names its algorithm; anything but sha256 is refused.',
    'There is no timestamp: add replay.',
  ],
}
