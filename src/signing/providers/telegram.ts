import { randomBytes } from 'node:crypto'
import { type Provider, SecretFault } from '../provider.ts'
import { tokenScheme } from '../token.ts'

export const telegram: Provider = {
  id: 'telegram',
  name: 'Telegram Bot API',
  page: 'https://core.telegram.org/bots/api#setwebhook',
  summary: 'Nothing is signed: the token given to setWebhook comes back in a header with every update.',
  scheme: tokenScheme('X-Telegram-Bot-Api-Secret-Token'),
  secret: {
    looks: '1 to 256 characters of A-Z, a-z, 0-9, _ and -',
    where: 'You choose it: the secret_token parameter of your setWebhook call. It is not the bot token.',
    madeBy: 'operator',
    parse(secret) {
      const text = secret.text()
      if (!/^[A-Za-z0-9_-]{1,256}$/.test(text)) {
        const bot = /^\d+:/.test(text)
        throw new SecretFault(
          bot
            ? 'the Telegram secret looks like the bot token'
            : 'the Telegram secret holds a character that setWebhook does not take, or is longer than 256',
          'set secret_token in setWebhook, and use that value here: letters, digits, "_" and "-"',
        )
      }
      return secret.bytes()
    },
    create: () => randomBytes(32).toString('base64url'),
  },
  eventId: { json: ['update_id'], page: 'https://core.telegram.org/bots/api#update' },
  traps: [
    'The header is absent unless setWebhook was called with secret_token.',
    'The token says nothing of the body: keep TLS, and add source-ip with provider:telegram.',
    'Telegram calls the ports 443, 80, 88 and 8443 only, and by IPv4 only.',
  ],
  response: 'Any 2xx; otherwise Telegram tries again a reasonable number of times.',
  networks: {
    page: 'https://core.telegram.org/bots/webhooks',
    asOf: '2026-11-24',
    cidrs: ['149.154.160.0/20', '91.108.4.0/22'],
  },
}
