import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readJwkSet } from '../../src/signing/jwk-set.ts'
import { readJws, verifyJws } from '../../src/signing/jws.ts'
import {
  HMAC_ALGORITHMS,
  type JwsAlgorithm,
  JwsKeys,
  KeyFault,
  keyFromSecret,
  PUBLIC_KEY_ALGORITHMS,
} from '../../src/signing/jws-keys.ts'

const DATA = process.env.SALLYPORT_DATA ?? join(import.meta.dirname, '../../../shared/data')
const SUITE = join(DATA, 'wycheproof/testvectors_v1')

type Jwk = Readonly<Record<string, unknown>>
interface Suite {
  readonly testGroups: readonly {
    readonly comment: string
    readonly private?: Jwk & { readonly keys?: readonly Jwk[] }
    readonly public?: Jwk & { readonly keys?: readonly Jwk[] }
    readonly tests: readonly { tcId: number; comment: string; jws: string; result: string }[]
  }[]
}

/** Valid tokens that are not taken, and why. */
const NOT_TAKEN: Readonly<Record<string, string>> = {
  'signature 346': 'the key says alg PS256, and the token PS384',
  'signature 347': 'the key says alg ES521, which is no algorithm (ES512 is)',
  'signature 350': 'the key says alg PS256, and the token PS384',
  'signature 351': 'the key says alg ES521, which is no algorithm (ES512 is)',
  'signature 372': 'a "?" stands inside the header, which is no base64url',
  'signature 373': 'a "?" stands inside the payload, which is no base64url',
  'key 2': 'a set of symmetric keys: secrets stand in the config, one by one, and a published set never holds one',
}

const read = (name: string): Suite => JSON.parse(readFileSync(join(SUITE, name), 'utf8'))

/** The public half, as an issuer publishes it: the suite gives most keys with their private members. */
function published({ kty, ...jwk }: Jwk): Jwk {
  const { d, p, q, dp, dq, qi, ...rest } = jwk
  return { kty, ...rest }
}

/** The keys as a gate would have them: a secret from the config, public keys from a set. */
function keysOf(jwks: readonly Jwk[]): JwsKeys | KeyFault {
  const [{ kty, k, alg } = {}, another] = jwks
  if (kty === 'oct' && another === undefined) {
    const algorithms = HMAC_ALGORITHMS.filter(one => one === alg)
    const key = keyFromSecret(Buffer.from(String(k), 'base64url'), algorithms, {})
    return key instanceof KeyFault ? key : new JwsKeys([key])
  }
  return readJwkSet(Buffer.from(JSON.stringify({ keys: jwks.map(published) })), PUBLIC_KEY_ALGORITHMS)
}

async function accepts(token: string, keys: JwsKeys | KeyFault): Promise<boolean> {
  if (keys instanceof KeyFault) return false
  const jws = readJws(token)
  if ('fault' in jws) return false
  const allowed: readonly JwsAlgorithm[] = [...HMAC_ALGORITHMS, ...PUBLIC_KEY_ALGORITHMS]
  if (!allowed.some(one => one === jws.alg)) return false
  return !('fault' in (await verifyJws(jws, keys)))
}

/** Run where the public suite lies beside the checkout. */
describe.skipIf(!existsSync(SUITE))('Wycheproof', () => {
  it.each([
    ['json_web_signature_test.json', 'signature', 390],
    ['json_web_key_test.json', 'key', 20],
  ])('%s', async (file, kind, least) => {
    const wrongly: string[] = []
    const refused: string[] = []
    let count = 0
    for (const group of read(file).testGroups) {
      const given = group.public ?? group.private ?? {}
      const keys = keysOf(given.keys ?? [given])
      const valid = group.tests.filter(({ result }) => result === 'valid').map(({ jws }) => jws)
      for (const { tcId, comment, jws, result } of group.tests) {
        // Two tests called invalid have the very text of a valid one: their padding was lost on the way to the suite.
        if (result !== 'valid' && valid.includes(jws)) continue
        count++
        const accepted = await accepts(jws, keys)
        const name = `${kind} ${tcId}`
        if (accepted && result !== 'valid') wrongly.push(`${name} ${comment}`)
        if (!accepted && result === 'valid' && NOT_TAKEN[name] === undefined)
          refused.push(`${name} ${group.comment} ${comment}`)
      }
    }
    expect(wrongly).toEqual([])
    expect(refused).toEqual([])
    expect(count).toBeGreaterThan(least)
  })
})
