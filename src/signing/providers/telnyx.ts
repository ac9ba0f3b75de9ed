import { asymmetricScheme } from '../asymmetric.ts'
import { publicKey } from '../key-form.ts'
import type { Provider } from '../provider.ts'

export const telnyx: Provider = {
  id: 'telnyx',
  name: 'Telnyx',
  page: 'https://github.com/team-telnyx/telnyx-node/blob/master/src/lib/webhooks.ts',
  summary:
    'Ed25519 over timestamp, "|" and raw body, base64, in Telnyx-Signature-Ed25519, as its own library (telnyx-node) checks it.',
  scheme: asymmetricScheme({
    algorithm: 'ed25519',
    header: 'Telnyx-Signature-Ed25519',
    encoding: 'base64',
    payload: '{timestamp}|{body}',
    timestamp: { header: 'Telnyx-Timestamp', unit: 's' },
  }),
  publicKey: publicKey(
    'ed25519',
    'raw-base64',
    "the account's public key, the base64 of 32 bytes",
    'Telnyx Mission Control Portal: Account Settings, Keys & Credentials, Public Key.',
  ),
  eventId: { json: ['data', 'id'] },
  traps: [
    'A bar stands between timestamp and body, where others write a dot.',
    "The tolerance of five minutes is that of Telnyx's own library.",
  ],
}
