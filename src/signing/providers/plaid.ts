import { Secret } from '../../core/secret.ts'
import { jwtEcdsa, thumbprint } from '../jwt-ecdsa.ts'
import { isHash, jwtScheme, sha256Hex } from '../jwt-scheme.ts'
import { derOf, type KeyFacts, newKeyPair, type PublicKeyForm, publicKey } from '../key-form.ts'
import { type Provider, SecretFault } from '../provider.ts'

const es256 = publicKey(
  'ecdsa-p256',
  'pem',
  'the JWK that Plaid answers, with its kid; the whole answer of /webhook_verification_key/get will do',
  'It is fetched by the kid that a webhook names, with the client_id and secret of the Dashboard (Developers, Keys): curl https://production.plaid.com/webhook_verification_key/get -H \'Content-Type: application/json\' -d \'{"client_id":"...","secret":"...","key_id":"KID"}\'',
)

/** The members of the JWK, taken out of Plaid's answer where it stands in one; `undefined` where it is no JSON object. */
function jwkOf(value: Secret): Readonly<Record<string, unknown>> | undefined {
  if (!value.text().startsWith('{')) return undefined
  try {
    const { key, ...bare }: Record<string, unknown> = JSON.parse(value.text())
    return typeof key === 'object' && key !== null ? { ...key } : bare
  } catch {
    return undefined
  }
}

function about(value: Secret): KeyFacts {
  const { kid, expired_at: end } = jwkOf(value) ?? {}
  if (end !== undefined && end !== null && !(typeof end === 'number' && end > 0))
    throw new SecretFault('its expired_at is no number of seconds', 'fetch the key from Plaid again')
  return {
    id: typeof kid === 'string' ? kid : undefined,
    expires: typeof end === 'number' ? end * 1000 : undefined,
  }
}

const form: PublicKeyForm = {
  ...es256,
  parse(value) {
    const jwk = jwkOf(value)
    return es256.parse(jwk ? new Secret(Buffer.from(JSON.stringify(jwk))) : value)
  },
  about,
  create() {
    const pair = newKeyPair('ecdsa-p256')
    const jwk = pair.publicKey.export({ format: 'jwk' })
    return {
      publicKey: JSON.stringify({ alg: 'ES256', kid: thumbprint(pair.publicKey), use: 'sig', ...jwk }),
      privateKey: derOf(pair.privateKey).toString('base64'),
    }
  },
}

export const plaid: Provider = {
  id: 'plaid',
  name: 'Plaid',
  page: 'https://plaid.com/docs/api/webhooks/webhook-verification/',
  summary:
    'JWT with ECDSA on P-256 and SHA-256 (ES256) in Plaid-Verification; its claim request_body_sha256 is the hash of the raw body.',
  scheme: jwtScheme({
    header: 'Plaid-Verification',
    signing: jwtEcdsa,
    dated: 'issued',
    tolerance: 300_000,
    named: false,
    unbound: ({ request_body_sha256: told }, { raw }) =>
      isHash(told, raw) ? undefined : 'request_body_sha256 is not the hash of the body',
    claims: ({ body, nowMs }) => ({ iat: Math.floor(nowMs / 1000), request_body_sha256: sha256Hex(body) }),
  }),
  publicKey: form,
  traps: [
    'Plaid hands its keys out by POST and with your API credentials, which the gate does not hold: keep each key in a file, keys: [{ file: plaid-1.jwk }, { file: plaid-2.jwk }], and fetch it where they are. A file that changes is read anew.',
    'Plaid takes a new key from time to time. The refusal then names its kid: fetch that key and add it, and leave the older one until no webhook names it.',
    'A key is not used from its expired_at on, which Plaid sets when it ends the key: fetch the older ones again now and then.',
    'The sandbox has keys of its own, from sandbox.plaid.com.',
    'The body is hashed as it was sent, with two blanks of indentation: whatever writes it anew breaks the signature.',
    'No event has an id: replay remembers the token.',
  ],
}
