import { Duplex } from 'node:stream'

/** Enough for any certificate chain and the names of some thousand CAs. */
const KEPT_BYTES = 512 * 1024

/** Passes the bytes of a socket on, and keeps the first that the peer sent, to be read as they went over the wire. */
export class WireTap extends Duplex {
  readonly #socket: Duplex
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(socket: Duplex) {
    super()
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => {
      if (this.#bytes < KEPT_BYTES) this.#chunks.push(chunk)
      this.#bytes += chunk.length
      if (!this.push(chunk)) socket.pause()
    })
    socket.on('end', () => this.push(null))
    socket.on('error', error => this.destroy(error))
    socket.on('close', () => this.destroy())
  }

  /** What the peer has sent so far. */
  received(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done())
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }
}
