import { type IncomingHttpHeaders, type Agent as PlainAgent, request as plainRequest } from 'node:http'
import { type Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The code of a refusal; empty where there is none. */
  readonly code: string
}

export interface Ask {
  readonly port?: number
  readonly unix?: string
  readonly address?: string
  /** Where the connection comes from. */
  readonly localAddress?: string
  readonly path: string
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Buffer
  /** Sends no Content-Length. */
  readonly chunked?: boolean
  readonly agent?: PlainAgent | TlsAgent
  /** Over TLS; the server is verified against `ca`. */
  readonly tls?: {
    readonly ca: string | Buffer
    readonly cert?: string | Buffer
    readonly key?: string | Buffer
    readonly servername?: string
  }
}

/** One request of an ordinary client. Without an agent it has a connection to itself. */
export function ask(what: Ask): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const body = Buffer.from(what.body ?? '')
    const options = {
      ...(what.unix === undefined ? { host: what.address ?? '127.0.0.1', port: what.port } : { socketPath: what.unix }),
      path: what.path,
      method: what.method ?? 'POST',
      ...(what.localAddress === undefined ? {} : { localAddress: what.localAddress }),
      agent: what.agent ?? false,
      headers: { ...(what.chunked ? {} : { 'content-length': String(body.length) }), ...what.headers },
      ...(what.tls === undefined ? {} : { servername: 'localhost', ...what.tls }),
    }
    const request = what.tls === undefined ? plainRequest(options) : tlsRequest(options)
    request.on('error', reject)
    request.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: text,
          code: codeOf(response, text),
        })
      })
    })
    request.end(body)
  })
}

function codeOf(response: { readonly headers: IncomingHttpHeaders }, text: string): string {
  if (text === '' || response.headers['content-type'] !== 'application/problem+json') return ''
  const problem: unknown = JSON.parse(text)
  return typeof problem === 'object' && problem !== null && 'code' in problem ? String(problem.code) : ''
}

export interface Heard {
  readonly text: string
  /** Whether the other side ended the connection. */
  readonly closed: boolean
  /** Milliseconds until it ended, or until the wait was over. */
  readonly ms: number
}

/** Writes bytes as they stand and listens until the other side ends, or for `waitMs`. */
export function speak(
  port: number,
  write: (socket: Socket) => void,
  waitMs: number,
  localAddress?: string,
): Promise<Heard> {
  return new Promise(resolve => {
    const started = performance.now()
    const chunks: Buffer[] = []
    const socket = connectTcp({
      port,
      host: '127.0.0.1',
      noDelay: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    })
    const finish = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text: Buffer.concat(chunks).toString('latin1'), closed, ms: performance.now() - started })
    }
    const timer = setTimeout(() => finish(false), waitMs)
    socket.on('connect', () => write(socket))
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => finish(true))
    socket.on('close', () => finish(true))
  })
}
