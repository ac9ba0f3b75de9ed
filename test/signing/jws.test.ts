import fc from 'fast-check'
import { expect, it } from 'vitest'
import { readJwkSet } from '../../src/signing/jwk-set.ts'
import { readJws, verifyJws } from '../../src/signing/jws.ts'
import { KeyFault } from '../../src/signing/jws-keys.ts'
import { jwksOf, makeIssuer, tokenOf } from '../support/tokens.ts'

const issuer = makeIssuer('ES256')
const token = await tokenOf(issuer, { sub: 'a', exp: 2_000_000_000 })
const keys = readJwkSet(Buffer.from(await jwksOf(issuer)), ['ES256'])

async function verifies(text: string): Promise<boolean> {
  if (keys instanceof KeyFault) throw new Error(keys.message)
  const jws = readJws(text)
  return !('fault' in jws) && jws.alg === 'ES256' && !('fault' in (await verifyJws(jws, keys)))
}

it('verifies what an independent library has signed', async () => {
  expect(await verifies(token)).toBe(true)
})

it('never verifies a token of which a character was changed, put in or left out', async () => {
  const character = fc.constantFrom(...'ABZabz019-_.=+/? \u0000\u00e9')
  const mutation = fc.tuple(fc.nat(token.length - 1), fc.nat(2), character)
  await fc.assert(
    fc.asyncProperty(mutation, async ([at, how, char]) => {
      const after = token.slice(how === 1 ? at : at + 1)
      const mutated = token.slice(0, at) + (how === 2 ? '' : char) + after
      fc.pre(mutated !== token)
      expect(await verifies(mutated)).toBe(false)
    }),
    { numRuns: 3_000 },
  )
}, 60_000)

it('reads any text without throwing, and takes none of it for a token of the issuer', async () => {
  const part = fc.oneof(
    fc.base64String(),
    fc.json().map(text => Buffer.from(text).toString('base64url')),
    fc.string(),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(part, { maxLength: 6 }), async parts => {
      expect(await verifies(parts.join('.'))).toBe(false)
    }),
    { numRuns: 2_000 },
  )
}, 60_000)
