import { isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Answer, ask, isAnswer, type NoAnswer, type Question } from './ask.ts'
import { connectTo } from './connect.ts'
import type { TlsPlace } from './server-tls.ts'
import type { Trust } from './trust.ts'

const ANSWER_MS = 15_000

/** A way to an endpoint that has been found to stand; over TLS only to a server that is trusted. */
export interface Way extends TlsPlace {
  readonly secure: boolean
  readonly trust: Trust
}

/** Asks over a connection of its own. Does not reject. */
export async function askOver(
  way: Way,
  url: URL,
  question: Omit<Question, 'host' | 'path'>,
): Promise<Answer | NoAnswer> {
  const raw = await connectTo(way.address, way.port)
  if (typeof raw === 'string') return { code: raw, message: 'the connection does not stand' }
  const socket = way.secure ? await secured(raw, way) : raw
  if (isNoAnswer(socket)) return socket
  return ask(socket, { ...question, host: url.host, path: `${url.pathname}${url.search}` }, ANSWER_MS)
}

const isNoAnswer = (value: Socket | NoAnswer): value is NoAnswer => 'code' in value

function secured(raw: Socket, { host, trust }: Way): Promise<Socket | NoAnswer> {
  const bare = host.replace(/^\[|\]$/g, '')
  return new Promise(resolve => {
    const socket = connectTls({
      socket: raw,
      secureContext: trust.context,
      // Said, because an environment variable of Node's would else turn the verification off.
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
      host: bare,
      ...(isIP(bare) === 0 ? { servername: bare } : {}),
    })
    socket.once('error', (error: NodeJS.ErrnoException) => {
      raw.destroy()
      resolve({ code: error.code ?? 'unknown', message: error.message })
    })
    socket.once('secureConnect', () => resolve(socket))
  })
}

export { isAnswer }
