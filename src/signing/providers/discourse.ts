import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const discourse: Provider = {
  id: 'discourse',
  name: 'Discourse',
  page: 'https://github.com/discourse/discourse/blob/main/app/jobs/regular/emit_web_hook_event.rb',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Discourse-Event-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Discourse-Event-Signature',
    encoding: 'hex',
    prefix: 'sha256=',
    payload: '{body}',
  }),
  secret: textSecret('any text that you chose', 'Admin, Advanced, Webhooks, the webhook, Secret.', 'operator'),
  eventId: { header: 'X-Discourse-Event-Id', signed: false },
  passHeaders: ['X-Discourse-Event-Type', 'X-Discourse-Event'],
  traps: [
    'Without a secret the header is absent.',
    'The body is JSON even where the webhook is set to application/x-www-form-urlencoded: set it to application/json, or it is read as a form.',
    'X-Discourse-Event-Id is another one for each try.',
    'There is no timestamp: add replay.',
  ],
  response: '2xx; 404 and 410 end it after four tries, others are tried again after 1, 5, 25 and 125 minutes.',
}
