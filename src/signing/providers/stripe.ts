import { randomBytes } from 'node:crypto'
import { hmacScheme } from '../hmac.ts'
import { type Provider, SecretFault } from '../provider.ts'

export const stripe: Provider = {
  id: 'stripe',
  name: 'Stripe',
  page: 'https://docs.stripe.com/webhooks#verify-manually',
  summary: 'HMAC-SHA256 over timestamp, "." and raw body, hexadecimal, as v1 beside t in Stripe-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'Stripe-Signature',
    encoding: 'hex',
    list: { separator: ',', tag: 'v1=', timestampTag: 't=' },
    payload: '{timestamp}.{body}',
    timestamp: { unit: 's' },
  }),
  secret: {
    looks: 'whsec_ and text; all of it is the key, and nothing is decoded',
    where: 'Stripe Dashboard: Developers, Webhooks, the endpoint, Signing secret. Each endpoint has its own.',
    madeBy: 'service',
    parse(secret) {
      const text = secret.text()
      if (/^(sk|rk|pk)_/.test(text))
        throw new SecretFault(
          'the Stripe secret is an API key',
          "use the endpoint's signing secret, which starts with whsec_",
        )
      return secret.bytes()
    },
    create: () => `whsec_${randomBytes(24).toString('base64url')}`,
  },
  eventId: { json: ['id'] },
  traps: [
    'whsec_ is part of the key here, unlike in Standard Webhooks.',
    'While a secret is rolled there are several v1; any that matches counts. v0 is for tests and never does.',
    'Stripe CLI and dashboard endpoints have secrets of their own.',
  ],
  response: '2xx, quickly.',
  networkFeed: {
    page: 'https://docs.stripe.com/ips',
    url: 'https://stripe.com/files/ips/ips_webhooks.json',
    select: '$.WEBHOOKS[*]',
  },
}
