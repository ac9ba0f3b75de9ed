import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const helpscout: Provider = {
  id: 'helpscout',
  name: 'Help Scout',
  page: 'https://developer.helpscout.com/webhooks',
  summary: 'HMAC-SHA1 over the raw body, base64, in X-HelpScout-Signature.',
  scheme: hmacScheme({ algorithm: 'sha1', header: 'X-HelpScout-Signature', encoding: 'base64', payload: '{body}' }),
  secret: textSecret('any text that you chose', 'Help Scout: Manage, Apps, Webhooks, Secret Key.', 'operator'),
  passHeaders: ['X-HelpScout-Event'],
  traps: [
    'Side panels and app callbacks sign their query in another way, and do not verify here.',
    'There is no timestamp: add replay.',
  ],
}
