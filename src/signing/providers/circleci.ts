import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const circleci: Provider = {
  id: 'circleci',
  name: 'CircleCI',
  page: 'https://circleci.com/docs/outbound-webhooks/',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, as v1 in circleci-signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'circleci-signature',
    encoding: 'hex',
    list: { separator: ',', tag: 'v1=' },
    payload: '{body}',
  }),
  secret: refusing(
    textSecret('any text that you chose', 'Project Settings: Webhooks, the webhook, Secret token.', 'operator'),
    /^CCI(PAT|PRJ)_/,
    'the CircleCI secret is an API token',
    "use the webhook's secret token",
  ),
  eventId: { json: ['id'] },
  traps: [
    'Only v1 counts: another version in the list is passed over, so that nobody can choose a weaker one.',
    'A delivery may come more than once.',
    'There is no timestamp: add replay.',
  ],
  response: '2xx within 10 seconds; otherwise CircleCI tries again.',
}
