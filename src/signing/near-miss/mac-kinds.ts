import { createHash, createHmac } from 'node:crypto'
import type { MacAlgorithm } from '../mac.ts'
import type { Difference, Variant } from './difference.ts'
import type { Payload } from './payloads.ts'

type Hash = MacAlgorithm | 'md5'
/** `hmac`, one whose key is the payload, or a plain hash over the secret and the payload, one before the other. */
type Construction = 'hmac' | 'swapped' | 'secret-first' | 'secret-last' | 'no-secret'

export interface MacKind {
  readonly hash: Hash
  readonly construction: Construction
}

const NAMES: Readonly<Record<Hash, string>> = {
  sha1: 'SHA-1',
  sha256: 'SHA-256',
  sha384: 'SHA-384',
  sha512: 'SHA-512',
  md5: 'MD5',
}
const BYTES: Readonly<Record<Hash, number>> = { sha1: 20, sha256: 32, sha384: 48, sha512: 64, md5: 16 }
const HASHES = ['sha256', 'sha1', 'sha512', 'sha384', 'md5'] as const

export const hashBytes = (hash: Hash): number => BYTES[hash]

/** First, with no difference, the HMAC of that hash; then those of others, then plain hashes. */
export function macKinds(expected: MacAlgorithm): readonly Variant<MacKind>[] {
  const others = HASHES.filter(hash => hash !== expected)
  return [
    { value: { hash: expected, construction: 'hmac' }, differs: [] },
    ...others.map(hash => ({ value: { hash, construction: 'hmac' } as const, differs: [otherHash(hash, expected)] })),
    { value: { hash: expected, construction: 'swapped' }, differs: [SWAPPED] },
    ...(['secret-first', 'secret-last', 'no-secret'] as const).flatMap(construction =>
      [expected, ...others]
        .slice(0, 3)
        .map(hash => ({ value: { hash, construction }, differs: [plainHash(hash, construction)] })),
    ),
  ]
}

/** In lower-case hex. */
export function macOf({ hash, construction }: MacKind, key: Buffer, { before, body, after }: Payload): string {
  if (construction === 'swapped') {
    const payload = Buffer.concat([Buffer.from(before, 'latin1'), body, Buffer.from(after, 'latin1')])
    return createHmac(hash, payload).update(key).digest('hex')
  }
  const maker = construction === 'hmac' ? createHmac(hash, key) : createHash(hash)
  if (construction === 'secret-first') maker.update(key)
  maker.update(before, 'latin1').update(body).update(after, 'latin1')
  if (construction === 'secret-last') maker.update(key)
  return maker.digest('hex')
}

const SWAPPED: Difference = {
  cause: 'swapped',
  phrase: 'with the payload as the key and the secret as the message',
  mend: 'swap the two arguments in the sender: the secret is the key, and what is signed is the message',
}

function otherHash(hash: Hash, expected: MacAlgorithm): Difference {
  return {
    cause: 'digest',
    phrase: `with ${NAMES[hash]} instead of ${NAMES[expected]}`,
    mend:
      hash === 'sha1' || hash === 'md5'
        ? `let the sender sign with ${NAMES[expected]}; where it can't, spell the scheme out${hash === 'md5' ? '' : ` with algorithm: ${hash}`}`
        : `set the sender to ${NAMES[expected]}, or spell the scheme out with algorithm: ${hash}`,
    evidence: { algorithm: hash, expected },
  }
}

function plainHash(hash: Hash, construction: Construction): Difference {
  const words =
    construction === 'no-secret'
      ? 'of the payload, without any secret'
      : construction === 'secret-first'
        ? 'of secret and payload'
        : 'of payload and secret'
  return {
    cause: 'no-hmac',
    phrase: `as a plain ${NAMES[hash]} hash ${words}, and not as an HMAC`,
    mend: `let the sender compute an HMAC (RFC 2104): in most languages a function of its own, not the hash function`,
    evidence: { algorithm: hash },
  }
}
