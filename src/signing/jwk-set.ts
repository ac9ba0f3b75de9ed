import { readJsonObject } from './jws.ts'
import { type JwsAlgorithm, type JwsKey, JwsKeys, KeyFault, keyFromJwk } from './jws-keys.ts'

/** More is no set of signing keys, and would be looked through for a token without a kid. */
const MOST_KEYS = 100

/** Members that only a private or symmetric key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'] as const

/**
 * Reads a JWK Set (RFC 7517 section 5): the keys that fit `allowed`; others are passed over. The set is refused whole
 * where it holds a private or symmetric key, two keys of one kid and alg, or no key that fits.
 */
export function readJwkSet(bytes: Buffer, allowed: readonly JwsAlgorithm[]): JwsKeys | KeyFault {
  const listed = readJsonObject(bytes)?.keys
  if (!Array.isArray(listed)) return new KeyFault('is no JWK Set', 'write { "keys": [...] } as RFC 7517 section 5 does')
  if (listed.length > MOST_KEYS) return new KeyFault(`holds ${listed.length} keys`, `keep at most ${MOST_KEYS}`)
  const keys: JwsKey[] = []
  const passed: string[] = []
  for (const [index, jwk] of listed.entries()) {
    if (!isObject(jwk)) return new KeyFault(`holds something else than a key as entry ${index + 1}`, 'take it out')
    const secret = PRIVATE.find(member => member in jwk)
    if (secret !== undefined)
      return new KeyFault(
        `holds a private or symmetric key (entry ${index + 1} has "${secret}")`,
        'publish the public half alone, and make a new key: whoever has read this one can sign',
      )
    const key = keyFromJwk(jwk, allowed)
    if (typeof key === 'string') passed.push(`${labelOf(jwk, index)}: ${key}`)
    else keys.push(key)
  }
  const twin = keys.find((key, index) => keys.some((other, at) => at < index && clash(key, other)))
  if (twin) return new KeyFault(`holds two keys of the kid "${twin.kid}"`, 'give each key a kid of its own')
  if (keys.length === 0)
    return new KeyFault(
      `holds no key for ${allowed.join(', ')}${passed.length === 0 ? '' : ` (${passed.slice(0, 3).join('; ')})`}`,
      'list the algorithm of its keys under algorithms, or name the right set',
    )
  return new JwsKeys(keys)
}

function clash(a: JwsKey, b: JwsKey): boolean {
  return a.kid !== undefined && a.kid === b.kid && a.algorithms.some(one => b.algorithms.includes(one))
}

function labelOf(jwk: Readonly<Record<string, unknown>>, index: number): string {
  return typeof jwk.kid === 'string' ? JSON.stringify(jwk.kid.slice(0, 64)) : `entry ${index + 1}`
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
