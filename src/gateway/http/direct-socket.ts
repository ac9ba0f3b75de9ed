import { Socket, type SocketConstructorOpts } from 'node:net'

/** Bytes of one read. */
const READ_BYTES = 64 * 1024

// One for all: what is read into it has been used when the reader returns.
const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** @returns `false` to read no more until `resume` */
export type DirectReader = (buffer: Buffer, length: number) => boolean

/**
 * Reads an accepted connection into one buffer, again and again, as Node does by `onread` for connections that it makes; a
 * stream would make a buffer of 64 KiB, an event and a turn of the queue of every read. Node has no such option for
 * accepted connections, so another socket takes over the handle, in the same turn, before anything is read.
 *
 * @param read takes what came, from the begin of the buffer on; it is its own until it returns
 * @returns the socket in its place; `undefined` where this Node knows no such thing: there it is read as a stream
 */
export function directSocket(accepted: Socket, read: DirectReader): Socket | undefined {
  const from = accepted as Held
  const handle = from._handle
  if (handle === undefined || handle === null) return undefined
  const onread = { buffer, callback: (length: number) => read(buffer, length) }
  const options: object = { handle, allowHalfOpen: true, onread }
  const socket = new Socket(options as SocketConstructorOpts) as Held
  if (socket._handle !== handle) return undefined
  // The server counts it until it closes, and closes only after it.
  socket._server = from._server ?? null
  from._server = null
  from._handle = null
  return socket
}

/** Bytes that were written and that the kernel has not taken; of a piece that it takes in parts, all where Node doesn't tell. */
export function untaken(socket: Socket): number {
  return socket.writableLength + ((socket as Held)._handle?.writeQueueSize ?? 0)
}

/** What Node keeps in a socket, and does not document. */
interface Held extends Socket {
  _handle?: { readonly writeQueueSize?: number } | null
  _server?: object | null
}
