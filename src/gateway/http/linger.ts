import type { Socket } from 'node:net'

/** Bytes and milliseconds for which a refused sender may go on sending before the connection is cut. */
const BYTES = 4 * 1024 * 1024
const MS = 1_000

/**
 * The end of a connection whose sender may still send: closing it now would make the kernel throw the answer away (RFC 9112
 * section 9.6), so the rest is read and dropped for a moment.
 */
export class Linger {
  readonly #socket: Socket
  #bytes = 0
  #timer: NodeJS.Timeout | undefined

  /** Ends the side of the gate. */
  constructor(socket: Socket) {
    this.#socket = socket
    socket.end()
  }

  /** Waits for the sender to end its side. */
  wait(): void {
    this.#timer = setTimeout(() => this.#socket.destroy(), MS)
  }

  dropped(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > BYTES) this.#socket.destroy()
  }

  /** Closes once all is written. */
  cut(): void {
    const socket = this.#socket
    if (socket.writableFinished) socket.destroy()
    else socket.once('finish', () => socket.destroy())
  }

  close(): void {
    clearTimeout(this.#timer)
  }
}
