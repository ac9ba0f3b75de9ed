import { hash } from 'node:crypto'
import { bytesText, isInnerList, parseDictionary } from './structured-fields.ts'

/** The algorithms of RFC 9530 section 5 that are not broken, by the names of both worlds. */
const ALGORITHMS = { 'sha-256': 'sha256', 'sha-512': 'sha512' } as const
export type DigestAlgorithm = keyof typeof ALGORITHMS

export const isDigestAlgorithm = (name: string): name is DigestAlgorithm => Object.hasOwn(ALGORITHMS, name)

/** Why a digest says nothing about a body: it can't be read, or it is of another body. */
export interface DigestFault {
  readonly kind: 'malformed' | 'mismatch'
  readonly why: string
}

/** The value of Content-Digest (RFC 9530 section 2) for `body`, the bytes as they are sent. */
export function contentDigest(body: Buffer, algorithm: DigestAlgorithm = 'sha-256'): string {
  return `${algorithm}=${bytesText(hash(ALGORITHMS[algorithm], body, 'buffer'))}`
}

/**
 * Holds `body`, the bytes as they came, against the field's value. At least one digest must be by a known algorithm, and
 * every one that is must be the body's: a sender that can't make one of its digests right is not trusted with the other.
 */
export function digestFault(value: string, body: Buffer): DigestFault | undefined {
  const parsed = parseDictionary(value)
  if (!parsed.ok) return { kind: 'malformed', why: parsed.why }
  let known = 0
  for (const [name, member] of parsed.value) {
    if (!isDigestAlgorithm(name)) continue
    if (isInnerList(member) || !Buffer.isBuffer(member.bare.value))
      return { kind: 'malformed', why: `${name} holds no bytes between colons` }
    if (!member.bare.value.equals(hash(ALGORITHMS[name], body, 'buffer')))
      return { kind: 'mismatch', why: `${name} is not the digest of the body` }
    known++
  }
  if (known > 0) return undefined
  return { kind: 'mismatch', why: `it holds no digest by ${Object.keys(ALGORITHMS).join(' or ')}` }
}
