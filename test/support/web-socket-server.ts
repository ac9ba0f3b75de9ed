import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'

export interface WebSocketServer {
  readonly port: number
  readonly handshakes: IncomingMessage[]
  close(): void
}

/** A server that takes WebSockets and sends every text back (RFC 6455, frames up to 64 KiB). */
export async function startWebSocketServer(
  greet: (req: IncomingMessage, socket: Duplex, accept: string) => void = (req, socket, accept) => {
    const protocol = req.headers['sec-websocket-protocol']?.split(',')[0]
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Inside: 1\r\n${protocol === undefined ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`}\r\n`,
    )
    // Sent with the answer, before the other side has said anything.
    socket.write(frame(1, Buffer.from('hello')))
  },
): Promise<WebSocketServer> {
  const handshakes: IncomingMessage[] = []
  const sockets = new Set<Duplex>()
  const server = createServer((_req, res) => void res.end('no socket'))
  server.on('upgrade', (req, socket) => {
    handshakes.push(req)
    sockets.add(socket)
    socket.on('error', () => undefined)
    const key = String(req.headers['sec-websocket-key'])
    greet(req, socket, createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64'))
    let held = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      held = Buffer.concat([held, chunk])
      for (let read = unframe(held); read; read = unframe(held)) {
        held = held.subarray(read.length)
        if (read.opcode === 8) socket.end(frame(8, read.payload))
        else socket.write(frame(read.opcode, read.payload))
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    handshakes,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function frame(opcode: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 0xff]
  return Buffer.concat([Buffer.from([0x80 | opcode, ...head]), payload])
}

/** A masked frame of a client; `undefined` where it is not whole yet. */
function unframe(bytes: Buffer): { opcode: number; payload: Buffer; length: number } | undefined {
  const short = (bytes[1] ?? 0) & 0x7f
  const start = short === 126 ? 4 : 2
  if (bytes.length < start) return undefined
  const size = short === 126 ? bytes.readUInt16BE(2) : short
  const length = start + 4 + size
  if (bytes.length < length) return undefined
  const mask = bytes.subarray(start, start + 4)
  const payload = Buffer.from(bytes.subarray(start + 4, length)).map((byte, at) => byte ^ (mask[at % 4] ?? 0))
  return { opcode: (bytes[0] ?? 0) & 0x0f, payload: Buffer.from(payload), length }
}
