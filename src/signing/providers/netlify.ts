import { jwtMac } from '../jwt-mac.ts'
import { isHash, jwtScheme, sha256Hex } from '../jwt-scheme.ts'
import { type Provider, textSecret } from '../provider.ts'

export const netlify: Provider = {
  id: 'netlify',
  name: 'Netlify',
  page: 'https://docs.netlify.com/deploy/deploy-notifications/#payload-signature',
  summary: 'JWT with HMAC-SHA256 in X-Webhook-Signature; its claim sha256 is the hash of the raw body.',
  scheme: jwtScheme({
    header: 'X-Webhook-Signature',
    signing: jwtMac('HS256'),
    issuer: 'netlify',
    dated: 'none',
    named: false,
    unbound: ({ sha256 }, { raw }) => (isHash(sha256, raw) ? undefined : 'sha256 is not the hash of the body'),
    claims: ({ body }) => ({ sha256: sha256Hex(body) }),
  }),
  secret: textSecret(
    'the JWS secret token, used as text',
    "You choose it: the notification's field JWS secret token, in the project's deploy notifications.",
    'operator',
  ),
  traps: [
    'The header is absent unless a secret token is set for the notification.',
    'Nothing is dated and no event has an id: replay knows an event by its body.',
    'exp, nbf and iat are heeded where they are there, give or take a minute.',
    "The Ruby example on Netlify's page reads the claim as a symbol, which is never there, so that it compares nothing.",
  ],
}
