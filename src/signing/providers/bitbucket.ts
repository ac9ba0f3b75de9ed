import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const bitbucket: Provider = {
  id: 'bitbucket',
  name: 'Bitbucket Cloud',
  page: 'https://support.atlassian.com/bitbucket-cloud/docs/manage-webhooks/',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Hub-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Hub-Signature',
    encoding: 'hex',
    prefix: 'sha256=',
    payload: '{body}',
  }),
  secret: textSecret(
    'any text that you chose',
    'Repository: Repository settings, Webhooks, the webhook, Secret.',
    'operator',
  ),
  passHeaders: ['X-Event-Key'],
  traps: [
    'Without a secret the deliveries are not signed.',
    'The header has the name that GitHub uses for SHA-1; it is SHA-256 here.',
    'There is no timestamp: add replay.',
  ],
  largestBody: {
    bytes: 256 * 1024,
    page: 'https://confluence.atlassian.com/bbkb/troubleshoot-webhooks-1167729092.html',
  },
}
