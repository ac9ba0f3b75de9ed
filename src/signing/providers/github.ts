import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const github: Provider = {
  id: 'github',
  name: 'GitHub',
  page: 'https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Hub-Signature-256.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Hub-Signature-256',
    encoding: 'hex',
    prefix: 'sha256=',
    payload: '{body}',
  }),
  secret: textSecret(
    'any text that you chose',
    'Repository or organisation: Settings, Webhooks, the webhook, Secret. It is shown once.',
    'operator',
  ),
  eventId: {
    header: 'X-GitHub-Delivery',
    signed: false,
    page: 'https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers',
  },
  passHeaders: ['X-GitHub-Event'],
  traps: [
    'With the content type application/x-www-form-urlencoded the signature covers the form as sent: accept form as well.',
    'X-Hub-Signature (SHA-1) comes too, for old receivers. It is never looked at.',
    'There is no timestamp: add replay.',
  ],
  largestBody: {
    bytes: 25 * 1024 ** 2,
    page: 'https://docs.github.com/en/webhooks/webhook-events-and-payloads#payload-cap',
  },
  accept: ['json', 'form'],
  networkFeed: {
    page: 'https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-githubs-ip-addresses',
    url: 'https://api.github.com/meta',
    select: '$.hooks[*]',
  },
}
