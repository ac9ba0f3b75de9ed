import type { Socket } from 'node:net'
import { http } from '../../core/http.ts'
import { usualCode } from '../../tls/handshake.ts'

/** A request as the doctor sends it. */
export interface Question {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly host: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: Buffer | undefined
}

export interface Answer {
  readonly status: number
  /** By lower-case name; of several of one name, joined. */
  readonly headers: Readonly<Record<string, string>>
  /** The first of it, as text. */
  readonly body: string
  /** Epoch milliseconds: when the question was put, and when the answer began. */
  readonly asked: number
  readonly answered: number
}

export interface NoAnswer {
  readonly code: string
  readonly message: string
}

const BODY_BYTES = 16 * 1024

/** Asks once over a connection that stands, and ends it. Does not reject. */
export function ask(
  socket: Socket,
  { method, path, host, headers, body }: Question,
  ms: number,
): Promise<Answer | NoAnswer> {
  const asked = Date.now()
  return new Promise(resolve => {
    const settle = (result: Answer | NoAnswer): void => {
      clearTimeout(timer)
      resolve(result)
      socket.destroy()
    }
    const timer = setTimeout(() => settle({ code: 'ETIMEDOUT', message: `no answer within ${ms} ms` }), ms)
    const fail = (error: NodeJS.ErrnoException): void =>
      settle({ code: usualCode(error.code ?? 'unknown'), message: error.message })
    socket.on('error', fail)
    const request = http.request(
      {
        createConnection: () => socket,
        method,
        path,
        headers: [
          'Host',
          host,
          ...headers.flat(),
          ...(body === undefined ? [] : ['Content-Length', String(body.length)]),
          'Connection',
          'close',
        ],
      },
      answer => {
        const answered = Date.now()
        let text = ''
        const done = (): void =>
          settle({
            status: answer.statusCode ?? 0,
            headers: Object.fromEntries(
              Object.entries(answer.headers).map(([name, value]) => [name, [value ?? ''].flat().join(', ')]),
            ),
            body: text,
            asked,
            answered,
          })
        answer.setEncoding('utf8')
        answer.on('data', (chunk: string) => {
          text += chunk
          if (text.length > BODY_BYTES) done()
        })
        answer.on('end', done).on('error', done)
      },
    )
    // One that has been read by hand, as a proxy's answer is, stands still.
    request.on('socket', own => void own.resume())
    request.on('error', fail)
    request.end(body)
  })
}

export const isAnswer = (result: Answer | NoAnswer): result is Answer => 'status' in result
