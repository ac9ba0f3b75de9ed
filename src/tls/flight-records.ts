import { createDecipheriv, createHmac } from 'node:crypto'

export interface FlightMessage {
  readonly type: number
  readonly body: Buffer
}

/** The server's half of a handshake, up to its Finished. */
export interface FlightRecords {
  readonly version: 'TLSv1.2' | 'TLSv1.3'
  readonly messages: readonly FlightMessage[]
}

const RECORD = { changeCipherSpec: 20, handshake: 22, applicationData: 23 } as const
const SERVER_HELLO = 2
const FINISHED = 20
const SUPPORTED_VERSIONS = 43
const TLS_1_3 = 0x0304
const TAG_BYTES = 16

interface Suite {
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305'
  readonly hash: 'sha256' | 'sha384'
  readonly keyBytes: number
}

/** RFC 8446 appendix B.4: those that a server may choose of what is offered here. */
const SUITES: Readonly<Record<number, Suite>> = {
  4865: { cipher: 'aes-128-gcm', hash: 'sha256', keyBytes: 16 },
  4866: { cipher: 'aes-256-gcm', hash: 'sha384', keyBytes: 32 },
  4867: { cipher: 'chacha20-poly1305', hash: 'sha256', keyBytes: 32 },
}

/** Takes the records apart (RFC 5246 section 6.2, RFC 8446 section 5), decrypting those of TLS 1.3. */
export function recordsOf(received: Buffer, secret: Buffer | undefined): FlightRecords {
  let plain = Buffer.alloc(0)
  let opened = Buffer.alloc(0)
  let open: ((header: Buffer, body: Buffer) => Buffer | undefined) | undefined
  let version: FlightRecords['version'] = 'TLSv1.2'
  for (let at = 0; at + 5 <= received.length; ) {
    const header = received.subarray(at, at + 5)
    const body = received.subarray(at + 5, at + 5 + header.readUInt16BE(3))
    at += 5 + header.readUInt16BE(3)
    const type = header[0]
    if (type === RECORD.handshake) {
      plain = Buffer.concat([plain, body])
      const hello = messagesIn(plain).findLast(message => message.type === SERVER_HELLO)
      const suite = hello && suiteOf(hello.body)
      if (suite) version = 'TLSv1.3'
      if (suite && secret) open = opener(suite, secret)
    } else if (type === RECORD.changeCipherSpec && version === 'TLSv1.2') break
    else if (type === RECORD.applicationData) {
      const text = open?.(header, body)
      if (text === undefined) break
      opened = Buffer.concat([opened, text])
      // What follows is under other keys.
      if (messagesIn(opened).some(message => message.type === FINISHED)) break
    }
  }
  return { version, messages: [...messagesIn(plain), ...messagesIn(opened)] }
}

function messagesIn(bytes: Buffer): FlightMessage[] {
  const found: FlightMessage[] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readUIntBE(at + 1, 3)
    if (end > bytes.length) break
    found.push({ type: bytes[at] ?? 0, body: bytes.subarray(at + 4, end) })
    at = end
  }
  return found
}

/** The suite of a ServerHello that chooses TLS 1.3; `undefined` where it chooses another version. */
function suiteOf(hello: Buffer): Suite | undefined {
  const idLength = hello[34] ?? 0
  let at = 35 + idLength
  if (at + 5 > hello.length) return undefined
  const suite = SUITES[hello.readUInt16BE(at)]
  for (at += 5; at + 4 <= hello.length; at += 4 + hello.readUInt16BE(at + 2))
    if (hello.readUInt16BE(at) === SUPPORTED_VERSIONS && hello.readUInt16BE(at + 4) === TLS_1_3) return suite
  return undefined
}

/** Opens the records in their order (RFC 8446 section 5.2); `undefined` for one that is under another key. */
function opener({ cipher, hash, keyBytes }: Suite, secret: Buffer) {
  const key = expandLabel(hash, secret, 'key', keyBytes)
  const iv = expandLabel(hash, secret, 'iv', 12)
  let sequence = 0
  return (header: Buffer, body: Buffer): Buffer | undefined => {
    if (body.length <= TAG_BYTES) return undefined
    const nonce = Buffer.from(iv)
    nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8)
    sequence++
    // The types of the two families of ciphers are apart; what is asked of them here is the same.
    const options = { authTagLength: TAG_BYTES }
    const decipher =
      cipher === 'chacha20-poly1305'
        ? createDecipheriv(cipher, key, nonce, options)
        : createDecipheriv(cipher, key, nonce, options)
    decipher.setAuthTag(body.subarray(-TAG_BYTES))
    decipher.setAAD(header, { plaintextLength: body.length - TAG_BYTES })
    try {
      const inner = Buffer.concat([decipher.update(body.subarray(0, -TAG_BYTES)), decipher.final()])
      return unpadded(inner)
    } catch {
      return undefined
    }
  }
}

/** The content without the type and the zeros behind it; empty where it is no handshake. */
function unpadded(inner: Buffer): Buffer {
  let end = inner.length
  while (end > 0 && inner[end - 1] === 0) end--
  return inner[end - 1] === RECORD.handshake ? inner.subarray(0, end - 1) : Buffer.alloc(0)
}

/** HKDF-Expand-Label of at most one block of the hash (RFC 8446 section 7.1). */
function expandLabel(hash: Suite['hash'], secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`)
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])])
  return createHmac(hash, secret).update(info).digest().subarray(0, length)
}
