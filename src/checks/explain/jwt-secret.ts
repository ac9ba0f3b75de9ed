import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import type { Secret } from '../../core/secret.ts'
import { KeyFault, keyFromSecret } from '../../signing/jws-keys.ts'
import { secretVariants } from '../../signing/near-miss/secret-variants.ts'
import { SecretFault } from '../../signing/provider.ts'
import type { SecretReader } from '../../signing/secret-bytes.ts'
import { type JwtConfig, SECRET_ENCODINGS } from '../jwt-config.ts'
import { readSecret } from '../jwt-keys.ts'
import { proven } from './finding.ts'
import { heldSecrets } from './signature-keys.ts'

const HASH: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }

/** How the issuer's copy of a shared secret differs from the one that is configured. */
export function jwtSecretFinding(
  config: JwtConfig,
  { request }: Pick<Explaining<JwtConfig>, 'request'>,
  resources: Resources,
): Finding | undefined {
  const value = (request.headers.all(config.header.toLowerCase())[0] ?? '').replace(/^bearer /i, '')
  const [head = '', payload = '', text = ''] = value.split('.')
  const hash = HASH[algorithmIn(head)]
  if (hash === undefined) return undefined
  const signature = Buffer.from(text, 'base64url')
  const reader = readerOf(config)
  for (const { name, secret } of heldSecrets(config, resources))
    for (const { value: key, differs } of secretVariants(secret, name, reader)) {
      const [difference, ...more] = differs
      const made = createHmac(hash, key).update(`${head}.${payload}`).digest()
      if (difference === undefined || made.length !== signature.length || !timingSafeEqual(made, signature)) continue
      return proven({
        cause: `jwt.${difference.cause}`,
        because: `its signature matches ${differs.map(({ phrase }) => phrase).join(', and ')}`,
        ...(difference.evidence === undefined ? {} : { evidence: difference.evidence }),
        mend: [difference, ...more].map(({ mend }) => mend).join('; '),
      })
    }
  return undefined
}

function readerOf({ encoding, algorithms }: JwtConfig): SecretReader {
  const read = (secret: Secret, written: string): Buffer => {
    const bytes = readSecret(secret, SECRET_ENCODINGS.find(each => each === written) ?? 'text')
    // What is too short for its algorithm would take the route offline.
    if (bytes === undefined || keyFromSecret(bytes, algorithms, { name: '', expires: undefined }) instanceof KeyFault)
      throw new SecretFault(`the secret is not written in ${written}`, 'write it so, or use another encoding')
    return bytes
  }
  return { parse: secret => read(secret, encoding), setting: { name: 'encoding', values: SECRET_ENCODINGS, read } }
}

function algorithmIn(head: string): string {
  try {
    const value: unknown = JSON.parse(Buffer.from(head, 'base64url').toString('utf8'))
    const alg: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'alg') : undefined
    return typeof alg === 'string' ? alg : ''
  } catch {
    return ''
  }
}
