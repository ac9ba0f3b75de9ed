import { Socket, type SocketConstructorOpts } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isEncrypted } from '../../tls/encrypted.ts'

/** Bytes of one read. */
const READ_BYTES = 64 * 1024

// One for all: what is read into it has been used when the reader returns.
const buffer = Buffer.allocUnsafeSlow(READ_BYTES)

/** @returns `false` to read no more until `resume` */
export type DirectReader = (buffer: Buffer, length: number) => boolean

/**
 * Reads an accepted connection into one buffer, again and again, as Node does by `onread` for connections that it makes; a
 * stream would make a buffer, an event and a turn of the queue of every read.
 *
 * @param accepted that nothing has been read of, over TLS nothing that was decrypted
 * @param read takes what came, from the begin of the buffer on; it is its own until it returns
 * @returns the socket in its place; `undefined` where this Node knows no such thing: there it is read as a stream
 */
export function directSocket(accepted: Socket, read: DirectReader): Socket | undefined {
  return isEncrypted(accepted) ? decryptedInto(accepted, read) : takenOver(accepted, read)
}

/**
 * Node has no such option for accepted connections, so another socket takes over the handle, in the same turn, before
 * anything is read.
 */
function takenOver(accepted: Held, read: DirectReader): Socket | undefined {
  const handle = accepted._handle
  if (handle === undefined || handle === null) return undefined
  const options: object = { handle, allowHalfOpen: true, onread: onreadOf(read) }
  const socket = new Socket(options as SocketConstructorOpts) as Held
  if (socket._handle !== handle) return undefined
  // The server counts it until it closes, and closes only after it.
  socket._server = accepted._server ?? null
  accepted._server = null
  accepted._handle = null
  return socket
}

/** Nobody can take over what OpenSSL holds of a connection, so it gets what the option would have given it. */
function decryptedInto(accepted: TLSSocket, read: DirectReader): Socket | undefined {
  const socket = accepted as Held & TLSSocket
  const handle = socket._handle
  optionSymbols ??= symbolsOf(accepted)
  if (typeof handle?.useUserBuffer !== 'function' || optionSymbols === undefined) return undefined
  const onread = onreadOf(read)
  Object.assign(socket, { [optionSymbols.buffer]: onread.buffer, [optionSymbols.callback]: onread.callback })
  handle.useUserBuffer(onread.buffer)
  return socket
}

function onreadOf(read: DirectReader) {
  return { buffer, callback: (length: number) => read(buffer, length) }
}

/** Under which Node keeps the option in a socket. */
let optionSymbols: { readonly buffer: symbol; readonly callback: symbol } | undefined

function symbolsOf(socket: Socket): typeof optionSymbols {
  const symbols = Object.getOwnPropertySymbols(socket)
  const [holder, callback] = ['kBuffer', 'kBufferCb'].map(name => symbols.find(each => each.description === name))
  return holder && callback && { buffer: holder, callback }
}

/**
 * Tells by its growth that the kernel takes what was written; what is written meanwhile does not change it. Of a piece that
 * the kernel takes in parts it may grow at the end alone, where Node doesn't tell more.
 */
export function takenOf(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength - ((socket as Held)._handle?.writeQueueSize ?? 0)
}

/** What Node keeps in a socket, and does not document. */
interface Held extends Socket {
  _handle?: { readonly writeQueueSize?: number; useUserBuffer?(buffer: Buffer): void } | null
  _server?: object | null
}
