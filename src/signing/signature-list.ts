import { decodeInto, decodeUpTo, type Encoding } from './encoding.ts'

/** Of a list, so many are tried; a longer list is a stranger's. */
const MOST = 10
/** Of a signature whose length its key decides: an RSA key of 8192 bits. */
const LONGEST_BYTES = 1024

/** How a header holds signatures: one behind a prefix, or a list whose entries are marked by tags. */
export interface SignatureForm {
  readonly encoding: Encoding
  /** What stands before the signature's text, e.g. `sha256=`. */
  readonly prefix?: string
  /** Several signatures, or signature and timestamp, in the one header. */
  readonly list?: {
    readonly separator: ',' | ' ' | ';' | '&'
    /** Before each signature: `v1=`, `v1,`. Entries that start otherwise are other versions, and ignored. */
    readonly tag: string
    /** Before the timestamp, where it stands in the same list: `t=`. */
    readonly timestampTag?: string
  }
}

/** What a signature header holds. Its buffers are used again, so that reading the next header makes no new ones. */
export class SignatureList {
  readonly #form: SignatureForm
  readonly #bytes: number | undefined
  /** The first `count` are those of the header that was read last. */
  readonly signatures: Uint8Array[]
  count = 0
  /** Empty where there is none. */
  timestamp = ''

  /** @param bytes of one signature; `undefined` where they differ. */
  constructor(form: SignatureForm, bytes: number | undefined) {
    this.#form = form
    this.#bytes = bytes
    this.signatures = bytes === undefined ? [] : [new Uint8Array(bytes)]
  }

  /** Why there is nothing to compare with; `undefined` where at least one signature could be read. */
  read(header: string): string | undefined {
    this.count = 0
    this.timestamp = ''
    if (this.#form.list) return this.#readList(header)
    const { prefix = '' } = this.#form
    if (!header.startsWith(prefix)) return `it does not begin with "${prefix}"`
    return this.#take(header, prefix.length, header.length) ? undefined : this.#unreadable()
  }

  #readList(header: string): string | undefined {
    const { separator = ',', tag = '', timestampTag } = this.#form.list ?? {}
    let tagged = 0
    for (let from = 0; from <= header.length; ) {
      const next = header.indexOf(separator, from)
      const end = next < 0 ? header.length : next
      // Some write a blank after the comma.
      while (header.charCodeAt(from) === 0x20 && from < end) from++
      if (timestampTag !== undefined && header.startsWith(timestampTag, from)) {
        if (this.timestamp !== '') return 'it holds two timestamps'
        this.timestamp = header.slice(from + timestampTag.length, end)
      } else if (tagged < MOST && header.startsWith(tag, from)) {
        tagged++
        this.#take(header, from + tag.length, end)
      }
      from = end + 1
    }
    if (this.count > 0) return undefined
    return tagged > 0 ? this.#unreadable() : `it holds no signature that begins with "${tag}"`
  }

  #take(header: string, from: number, to: number): boolean {
    if (this.#bytes === undefined) {
      const decoded = decodeUpTo(this.#form.encoding, header, from, to, LONGEST_BYTES)
      if (decoded === undefined) return false
      this.signatures[this.count++] = decoded
      return true
    }
    const signature = this.signatures[this.count] ?? new Uint8Array(this.#bytes)
    this.signatures[this.count] = signature
    if (!decodeInto(this.#form.encoding, header, from, to, signature)) return false
    this.count++
    return true
  }

  #unreadable(): string {
    const size = this.#bytes === undefined ? `1 to ${LONGEST_BYTES}` : this.#bytes
    return `the signature is not ${size} bytes in ${this.#form.encoding}`
  }
}
