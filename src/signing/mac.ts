import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

export const MAC_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const
export type MacAlgorithm = keyof typeof MAC_BYTES

/** RFC 2104's B: the hash's block. */
const BLOCK = { sha1: 64, sha256: 64, sha384: 128, sha512: 128 } as const

/**
 * Up to here the message is copied behind the padded key and hashed in one call; above, the copy costs more than the
 * native object that `createHmac` makes and the collector has to find again.
 */
const ONE_SHOT_BYTES = 16 * 1024
// Shared by every key: it is filled and hashed within one synchronous call.
const scratch = Buffer.allocUnsafeSlow(128 + ONE_SHOT_BYTES)

/** An HMAC key (RFC 2104), prepared once. */
export class MacKey {
  readonly algorithm: MacAlgorithm
  readonly #key: KeyObject
  readonly #inner: Buffer
  /** The outer block, with room for the inner digest behind it. */
  readonly #outer: Buffer
  readonly #block: number

  constructor(algorithm: MacAlgorithm, key: Buffer) {
    const block = BLOCK[algorithm]
    const padded = Buffer.alloc(block)
    if (key.length > block) hash(algorithm, key, 'buffer').copy(padded)
    else key.copy(padded)
    this.algorithm = algorithm
    this.#key = createSecretKey(key)
    this.#block = block
    this.#inner = Buffer.from(padded.map(byte => byte ^ 0x36))
    this.#outer = Buffer.alloc(block + MAC_BYTES[algorithm])
    for (let i = 0; i < block; i++) this.#outer[i] = (padded[i] ?? 0) ^ 0x5c
  }

  /** The MAC over `before` (one byte a character, as header values are), `body`, `after`, in lower-case hex. */
  hex(before: string, body: Buffer, after: string): string {
    const length = before.length + body.length + after.length
    if (length > ONE_SHOT_BYTES) {
      const mac = createHmac(this.algorithm, this.#key)
      if (before !== '') mac.update(before, 'latin1')
      mac.update(body)
      if (after !== '') mac.update(after, 'latin1')
      return mac.digest('hex')
    }
    this.#inner.copy(scratch)
    let end = this.#block
    if (before !== '') end += scratch.write(before, end, 'latin1')
    end += body.copy(scratch, end)
    if (after !== '') end += scratch.write(after, end, 'latin1')
    // As text both digests cost 1.4 us for 1 KiB, as buffers 2.6 us (SHA-256, Node 26): each buffer is a native object.
    this.#outer.write(hash(this.algorithm, scratch.subarray(0, end), 'hex'), this.#block, 'hex')
    return hash(this.algorithm, this.#outer, 'hex')
  }

  /** As `hex`, as bytes. */
  mac(before: string, body: Buffer, after: string): Buffer {
    return Buffer.from(this.hex(before, body, after), 'hex')
  }
}
