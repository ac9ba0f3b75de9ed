import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, SecretFault } from '../provider.ts'

export const standardWebhooks: Provider = {
  id: 'standard-webhooks',
  name: 'Standard Webhooks',
  page: 'https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md',
  summary: 'HMAC-SHA256 over id, ".", timestamp, "." and raw body, base64, as v1 in webhook-signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'webhook-signature',
    encoding: 'base64',
    list: { separator: ' ', tag: 'v1,' },
    payload: '{id}.{timestamp}.{body}',
    timestamp: { header: 'webhook-timestamp', unit: 's' },
    id: { header: 'webhook-id' },
  }),
  secret: {
    looks: 'whsec_ and the base64 of 24 to 64 bytes',
    where: "The sender's page for the endpoint, often called signing secret.",
    madeBy: 'service',
    parse(secret) {
      const text = secret.text()
      const base64 = text.startsWith('whsec_') ? text.slice(6) : text
      const key = Buffer.from(base64, 'base64')
      const written = key.toString('base64')
      // Of a text that was cut or mistyped, the decoder would make a key all the same.
      const exact = written === base64 || written.replace(/=+$/, '') === base64
      if (!exact || key.length < 24 || key.length > 64)
        throw new SecretFault(
          `the secret is not whsec_ and the base64 of 24 to 64 bytes (it decodes to ${key.length} bytes)`,
          'copy the whole secret as the sender shows it, whsec_ included',
        )
      return key
    },
    create: () => `whsec_${randomBytes(32).toString('base64')}`,
  },
  eventId: { header: 'webhook-id', signed: true },
  traps: [
    'The part after whsec_ is decoded from base64 before it is the key.',
    'Several signatures may stand in the header, separated by spaces; any v1 that matches counts. v1a is another key kind.',
    'The id must not hold a dot, so that it can not be shifted against the timestamp.',
  ],
  response: 'Any 2xx.',
}
