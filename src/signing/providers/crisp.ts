import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const crisp: Provider = {
  id: 'crisp',
  name: 'Crisp',
  page: 'https://docs.crisp.chat/references/web-hooks/v1',
  summary: 'HMAC-SHA256 over "[", timestamp, ";", raw body and "]", hexadecimal, in X-Crisp-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Crisp-Signature',
    encoding: 'hex',
    timestamp: { header: 'X-Crisp-Request-Timestamp', unit: 'ms' },
    payload: '[{timestamp};{body}]',
  }),
  secret: textSecret(
    "the hook's signing secret, used as text",
    'Crisp Marketplace: the plugin, its web hooks, the signing secret.',
    'service',
  ),
  traps: [
    'Hooks of a plugin are signed; those of the website settings are not.',
    'The brackets and the semicolon are signed with the rest.',
    'Crisp documents no tolerance for the timestamp, which is in milliseconds: five minutes are used unless the config says otherwise.',
    'Requests of the Hugo MCP are signed in another way and do not verify here.',
  ],
}
