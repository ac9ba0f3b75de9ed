import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const heroku: Provider = {
  id: 'heroku',
  name: 'Heroku',
  page: 'https://devcenter.heroku.com/articles/app-webhooks',
  summary:
    'HMAC-SHA256 over the raw body, base64, in Heroku-Webhook-Hmac-SHA256. The page names header and hash; the encoding rests on agreeing receivers in public use.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'Heroku-Webhook-Hmac-SHA256',
    encoding: 'base64',
    payload: '{body}',
  }),
  secret: textSecret(
    'any text that you chose, or that Heroku made',
    'The secret of the subscription: heroku webhooks:add --secret, or shown once when it is created.',
    'operator',
  ),
  traps: [
    'The static Authorization that a subscription may have says nothing of the body, and is not looked at.',
    'There is no timestamp: add replay.',
  ],
  response: '2xx; the level notify tries once, sync tries again.',
}
