import { hash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type Encoding, encode } from './encoding.ts'

const DIGEST = /^(md5|sha1|sha256|sha384|sha512):body(?::(hex|hex-upper|base64|base64url))?$/

export interface BodyDigest {
  /** Whether no other body can be made that has the same one. */
  readonly binds: boolean
  digest(body: Buffer): string
}

/**
 * What a template calls `{sha256:body}` (in hex) or `{md5:body:base64}`; `{crc32:body}` is the unsigned decimal number.
 * `undefined` for any other name.
 */
export function bodyDigest(name: string): BodyDigest | undefined {
  // A body with a wanted CRC-32 is made in no time.
  if (name === 'crc32:body') return { binds: false, digest: body => String(crc32(body)) }
  const [, algorithm, written = 'hex'] = DIGEST.exec(name) ?? []
  if (algorithm === undefined) return undefined
  const encoding = written as Encoding
  return { binds: true, digest: body => encode(hash(algorithm, body, 'buffer'), encoding) }
}
