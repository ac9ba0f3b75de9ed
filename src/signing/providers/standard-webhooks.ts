import type { Provider } from '../provider.ts'
import { webhooksPublicKey, webhooksScheme, webhooksSecret } from '../webhooks.ts'

export const standardWebhooks = {
  id: 'standard-webhooks',
  name: 'Standard Webhooks',
  page: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  summary: 'HMAC-SHA256 (v1) or Ed25519 (v1a) over id, ".", timestamp, "." and raw body, base64, in webhook-signature.',
  scheme: webhooksScheme('webhook'),
  secret: webhooksSecret("The sender's page for the endpoint, often called signing secret."),
  publicKey: webhooksPublicKey("The sender's page for the endpoint, where it signs with a key pair."),
  eventId: { header: 'webhook-id', signed: true },
  traps: [
    'The part after whsec_ is decoded from base64 before it is the key. What Supabase shows for its auth hooks, v1,whsec_ and so on, is taken as it is.',
    'Several signatures may stand in the header, separated by spaces; any v1 under a secret, or v1a under a public key, that matches counts.',
    'The id must not hold a dot, so that it can not be shifted against the timestamp.',
  ],
  response: 'Any 2xx.',
} satisfies Provider
