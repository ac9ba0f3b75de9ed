import { asymmetricScheme } from '../asymmetric.ts'
import { publicKey } from '../key-form.ts'
import type { Provider } from '../provider.ts'

export const discord: Provider = {
  id: 'discord',
  name: 'Discord',
  page: 'https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint-validating-security-request-headers',
  summary: 'Ed25519 over timestamp and raw body, hexadecimal, in X-Signature-Ed25519.',
  scheme: asymmetricScheme({
    algorithm: 'ed25519',
    header: 'X-Signature-Ed25519',
    encoding: 'hex',
    payload: '{timestamp}{body}',
    timestamp: { header: 'X-Signature-Timestamp', unit: 's' },
  }),
  publicKey: publicKey(
    'ed25519',
    'raw-hex',
    "the application's public key, 64 hex digits",
    'Discord Developer Portal: the application, General Information, Public Key.',
  ),
  eventId: { json: ['id'] },
  traps: [
    'Discord sends invalid signatures on purpose, and takes an endpoint away that does not answer them with 401.',
    'Its PING must be answered too: challenge does it, for interactions and for webhook events.',
    'Discord names no tolerance: five minutes are used unless the config says otherwise.',
  ],
}
