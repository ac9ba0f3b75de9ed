import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'

export const MAC_BYTES = { sha1: 20, sha256: 32, sha384: 48, sha512: 64 } as const
export type MacAlgorithm = keyof typeof MAC_BYTES

/** RFC 2104's B: the hash's block. */
const BLOCK = { sha1: 64, sha256: 64, sha384: 128, sha512: 128 } as const

/**
 * Up to here the message is copied behind the padded key and hashed in one call; above, the copy costs more than the
 * native object that `createHmac` makes and the collector has to find again.
 */
const ONE_SHOT_BYTES = 32 * 1024
// Shared by every key: it is filled and hashed within one synchronous call.
const scratch = Buffer.allocUnsafeSlow(128 + ONE_SHOT_BYTES)

/** Up to here a loop over the characters is cheaper than the call of a native function. */
const SHORT = 64

/** Writes `text`, one byte a character, into the scratch. @returns where it ends */
function put(text: string, at: number): number {
  if (text.length > SHORT) return at + scratch.write(text, at, 'latin1')
  putShort(text, scratch, at)
  return at + text.length
}

function putShort(text: string, out: Uint8Array, at: number): void {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i)
}

/** An HMAC key (RFC 2104), prepared once. */
export class MacKey {
  readonly algorithm: MacAlgorithm
  readonly #key: KeyObject
  readonly #inner: Uint8Array
  /** The outer block, with the inner digest behind it. */
  readonly #outer: Uint8Array

  constructor(algorithm: MacAlgorithm, key: Buffer) {
    const block = BLOCK[algorithm]
    const padded = Buffer.alloc(block)
    if (key.length > block) hash(algorithm, key, 'buffer').copy(padded)
    else key.copy(padded)
    this.algorithm = algorithm
    this.#key = createSecretKey(key)
    this.#inner = new Uint8Array(padded.map(byte => byte ^ 0x36))
    this.#outer = new Uint8Array(block + MAC_BYTES[algorithm])
    this.#outer.set(padded.map(byte => byte ^ 0x5c))
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
    scratch.set(this.#inner)
    let end = put(before, this.#inner.length)
    scratch.set(body, end)
    end = put(after, end + body.length)
    // As text both digests cost 1.4 us for 1 KiB, as buffers 2.6 us (SHA-256, Node 26): each buffer is a native object.
    putShort(hash(this.algorithm, new Uint8Array(scratch.buffer, 0, end), 'binary'), this.#outer, this.#inner.length)
    return hash(this.algorithm, this.#outer, 'hex')
  }

  /** As `hex`, as bytes. */
  mac(before: string, body: Buffer, after: string): Buffer {
    return Buffer.from(this.hex(before, body, after), 'hex')
  }
}
