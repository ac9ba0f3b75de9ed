import { recordsOf } from './flight-records.ts'

/** What a server says of itself in a handshake, as it stood on the wire. */
export interface ServerFlight {
  /** DER, in the order that they were sent; empty where no certificate came. */
  readonly certificates: readonly Buffer[]
  /** Whether it asks for a client certificate, and the DER of the names of the CAs that it takes them from. */
  readonly asks: { readonly issuers: readonly Buffer[] } | undefined
}

const CERTIFICATE = 11
const CERTIFICATE_REQUEST = 13
const CERTIFICATE_AUTHORITIES = 47

/**
 * Reads the Certificate and the CertificateRequest of a handshake (RFC 5246 section 7.4, RFC 8446 section 4.4). What
 * breaks off is read as far as it came.
 * @param received the server's bytes from the first on
 * @param secret of TLS 1.3: SERVER_HANDSHAKE_TRAFFIC_SECRET of the key log, under which the rest is encrypted
 */
export function readServerFlight(received: Buffer, secret: Buffer | undefined): ServerFlight {
  const { messages, version } = recordsOf(received, secret)
  let certificates: readonly Buffer[] = []
  let asks: ServerFlight['asks']
  for (const { type, body } of messages) {
    try {
      if (type === CERTIFICATE) certificates = readCertificates(new Reader(body), version === 'TLSv1.3')
      else if (type === CERTIFICATE_REQUEST) asks = { issuers: readIssuers(new Reader(body), version === 'TLSv1.3') }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  return { certificates, asks }
}

function readCertificates(message: Reader, extended: boolean): Buffer[] {
  if (extended) message.vector(1)
  const list = new Reader(message.vector(3))
  const found: Buffer[] = []
  while (list.left > 0) {
    found.push(list.vector(3))
    if (extended) list.vector(2)
  }
  return found
}

function readIssuers(message: Reader, extended: boolean): Buffer[] {
  message.vector(1)
  if (!extended) {
    message.vector(2)
    return names(message.vector(2))
  }
  const extensions = new Reader(message.vector(2))
  while (extensions.left > 0) {
    const type = extensions.number(2)
    const value = extensions.vector(2)
    if (type === CERTIFICATE_AUTHORITIES) return names(new Reader(value).vector(2))
  }
  return []
}

function names(list: Buffer): Buffer[] {
  const reader = new Reader(list)
  const found: Buffer[] = []
  while (reader.left > 0) found.push(reader.vector(2))
  return found
}

/** Reads the presentation language of TLS (RFC 8446 section 3). @throws RangeError past the end */
class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  number(size: number): number {
    const value = this.#bytes.readUIntBE(this.#at, size)
    this.#at += size
    return value
  }

  /** A vector with a length of so many bytes before it. */
  vector(size: number): Buffer {
    const length = this.number(size)
    if (length > this.left) throw new RangeError('a vector ends after its message')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }
}
