import type { BodyRequest } from '../../core/request.ts'
import { jwtMac } from '../jwt-mac.ts'
import { isHash, jwtScheme, sha256Hex } from '../jwt-scheme.ts'
import { type Provider, textSecret } from '../provider.ts'

/**
 * What payload_hash is over: the body, or of a GET its parameters in their order, as one JSON object. `undefined` where
 * they can't be one: a name that comes twice, or a body beside them.
 */
function payloadOf(method: string, query: string, body: Buffer): string | Buffer | undefined {
  if (method !== 'GET') return body
  const parameters = [...new URLSearchParams(query)]
  const names = new Set(parameters.map(([name]) => name))
  if (names.size < parameters.length || body.length > 0) return undefined
  return `{${parameters.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`
}

function unbound(hash: unknown, { method, query, raw }: BodyRequest): string | undefined {
  const payload = payloadOf(method, query, raw)
  if (payload === undefined) return 'a GET has a body, or a parameter that comes twice'
  if (isHash(hash, payload)) return undefined
  return `payload_hash is not the hash of the ${method === 'GET' ? 'parameters' : 'body'}`
}

export const vonage: Provider = {
  id: 'vonage',
  name: 'Vonage: Messages, Dispatch, Voice',
  page: 'https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks',
  summary:
    'JWT with HMAC-SHA256 as bearer token in Authorization; its claim payload_hash is the SHA-256 of the raw body, or of the parameters of a GET.',
  scheme: jwtScheme({
    header: 'Authorization',
    prefix: 'Bearer',
    signing: jwtMac('HS256'),
    issuer: 'Vonage',
    dated: 'issued',
    tolerance: 300_000,
    named: true,
    unbound: (claims, request) => unbound(claims.payload_hash, request),
    claims: ({ method, url, body, id, nowMs }) => ({
      iat: Math.floor(nowMs / 1000),
      jti: id,
      payload_hash: sha256Hex(payloadOf(method, new URL(url).search.slice(1), body) ?? body),
    }),
  }),
  secret: textSecret(
    "the account's signature secret, used as text",
    'Vonage Dashboard: API Settings, Signed webhooks, the signature secret of the account. It is not the API secret.',
    'service',
  ),
  eventId: { claim: 'jti' },
  traps: [
    'Vonage calls the check of payload_hash optional: without it any body would do, so a token without it is refused.',
    'Each API key has its own signature secret: list them all, where several accounts send here.',
    'HS256 alone is taken. Where RS256 is taken under the same key, as in @vonage/jwt, a forger who knows a public key signs with it.',
    'After an internal error Vonage may send an event without a signature, and only an answer of 5xx makes it send the event again, signed. The gate answers 401.',
    'Vonage names no tolerance: five minutes are used unless the config says otherwise.',
    'The SMS API signs in the field sig with another method, and does not verify here.',
  ],
}
