import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const slack: Provider = {
  id: 'slack',
  name: 'Slack',
  page: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
  summary: 'HMAC-SHA256 over "v0:", timestamp, ":" and raw body, hexadecimal, in X-Slack-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Slack-Signature',
    encoding: 'hex',
    prefix: 'v0=',
    payload: 'v0:{timestamp}:{body}',
    timestamp: { header: 'X-Slack-Request-Timestamp', unit: 's' },
  }),
  secret: textSecret(
    "the app's signing secret, used as text",
    'api.slack.com: Your apps, the app, Basic Information, Signing Secret.',
    'service',
    () => randomBytes(16).toString('hex'),
  ),
  eventId: { json: ['event_id'], page: 'https://docs.slack.dev/apis/events-api' },
  traps: [
    'Slash commands and interactivity come as forms: accept form as well.',
    'The signature covers the form as sent, never a re-encoded one.',
  ],
  response: '2xx within 3 seconds. The answer to a slash command is shown to the user, so it is passed back.',
  accept: ['json', 'form'],
}
