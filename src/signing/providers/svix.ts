import { firstPresent } from '../alternatives.ts'
import type { Provider } from '../provider.ts'
import { webhooksPublicKey, webhooksScheme, webhooksSecret } from '../webhooks.ts'

/** The names that Svix's own endpoints send. */
export const svixHeaders = webhooksScheme('svix')

export const svix: Provider = {
  id: 'svix',
  name: 'Svix',
  page: 'https://docs.svix.com/receiving/verifying-payloads/how-manual',
  summary:
    'HMAC-SHA256 (v1) or Ed25519 (v1a) over id, ".", timestamp, "." and raw body, base64, in svix-signature, or in webhook-signature where no svix-signature is sent.',
  scheme: {
    ...firstPresent([
      { header: 'svix-signature', scheme: svixHeaders },
      { header: 'webhook-signature', scheme: webhooksScheme('webhook') },
    ]),
    sign: svixHeaders.sign,
  },
  secret: webhooksSecret("The sender's page for the endpoint, Signing secret. Many services send through Svix."),
  publicKey: webhooksPublicKey("The sender's page for the endpoint, where it signs with a key pair."),
  eventId: { header: 'svix-id', elsewhere: 'webhook-id', signed: true },
  traps: [
    'The part after whsec_ is decoded from base64 before it is the key.',
    'While a secret is rolled there are several v1, separated by blanks; any that matches counts.',
    'Where both families of headers come, the svix ones alone are looked at.',
  ],
}
