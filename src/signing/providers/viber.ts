import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const viber: Provider = {
  id: 'viber',
  name: 'Viber',
  page: 'https://developers.viber.com/docs/api/rest-bot-api/#callbacks',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Viber-Content-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-Viber-Content-Signature', encoding: 'hex', payload: '{body}' }),
  secret: textSecret("the bot's authentication token, used as text", 'Viber Admin Panel: the bot, Token.', 'service'),
  traps: [
    'message_token has more digits than a JavaScript number: it is kept as sent, and a receiver should read it as text.',
    'There is no timestamp: add replay.',
  ],
}
