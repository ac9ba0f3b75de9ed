import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import { secretVariants } from '../../signing/near-miss/secret-variants.ts'
import type { JwtConfig } from '../jwt-config.ts'
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
  for (const { name, secret } of heldSecrets(config, resources))
    for (const { value: key, differs } of secretVariants(secret, name, one => one.bytes())) {
      const [difference] = differs
      const made = createHmac(hash, key).update(`${head}.${payload}`).digest()
      if (difference === undefined || made.length !== signature.length || !timingSafeEqual(made, signature)) continue
      return proven({
        cause: `jwt.${difference.cause}`,
        because: `its signature matches ${difference.phrase}`,
        evidence: { secret: name },
        mend: difference.mend,
      })
    }
  return undefined
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
