import { jwtMac } from '../jwt-mac.ts'
import { isHash, jwtScheme, sha256Hex } from '../jwt-scheme.ts'
import { type Provider, textSecret } from '../provider.ts'

const LIFETIME_S = 60

export const messagebird: Provider = {
  id: 'messagebird',
  name: 'MessageBird',
  page: 'https://github.com/messagebird/messagebird-nodejs/blob/master/lib/webhook-signature-jwt.js',
  summary:
    "JWT with HMAC-SHA256, 384 or 512 in MessageBird-Signature-JWT; its claims hold the SHA-256 of the public URL and of the body. As MessageBird's own library verifies it.",
  scheme: jwtScheme({
    header: 'MessageBird-Signature-JWT',
    signing: jwtMac('HS256', 'HS384', 'HS512'),
    issuer: 'MessageBird',
    dated: 'lifetime',
    tolerance: 5_000,
    named: true,
    unbound(claims, { publicUrl, raw }) {
      if (!isHash(claims.url_hash, publicUrl)) return 'url_hash is not the hash of the public URL'
      const bound = claims.payload_hash === undefined ? raw.length === 0 : isHash(claims.payload_hash, raw)
      return bound ? undefined : 'payload_hash is not the hash of the body'
    },
    claims({ url, body, id, nowMs }) {
      const second = Math.floor(nowMs / 1000)
      const payload = body.length === 0 ? {} : { payload_hash: sha256Hex(body) }
      return { nbf: second, exp: second + LIFETIME_S, jti: id, url_hash: sha256Hex(url), ...payload }
    },
  }),
  secret: textSecret('the signing key, used as text', 'MessageBird Dashboard: Developers, API settings.', 'service'),
  eventId: { claim: 'jti' },
  traps: [
    'The URL is signed as MessageBird was given it: set public-url where the gate stands behind another name, scheme or port.',
    'A token lives for a minute, and clocks may differ by five seconds: keep the clock of this host right.',
    'MessageBird-Signature, the older header without JWT, is never looked at.',
    "The Express middleware of MessageBird's npm package 4.0.1 does not wait for its own verdict, and lets every request pass.",
  ],
}
