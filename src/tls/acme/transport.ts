import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Agent, request } from 'node:https'
import type { ClientTls } from '../client.ts'
import { AcmeFault } from './fault.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

const DEADLINE_MS = 30_000
const MAX_BYTES = 256 * 1024

/** HTTPS to a CA: verified, no redirect, one deadline, a bounded answer. */
export class Transport {
  readonly #agent: Agent

  constructor(tls: ClientTls) {
    this.#agent = new Agent({ ...tls.options, keepAlive: true, maxSockets: 2, timeout: 10_000 })
  }

  /** @throws AcmeFault where there is no whole answer; the signal's reason where it was aborted */
  async send(
    method: 'GET' | 'HEAD' | 'POST',
    url: string,
    ended: AbortSignal,
    content?: { readonly body: string; readonly accept?: string | undefined },
  ): Promise<Answer> {
    const late = AbortSignal.timeout(DEADLINE_MS)
    try {
      return await this.#exchange(method, url, AbortSignal.any([late, ended]), content)
    } catch (error) {
      ended.throwIfAborted()
      if (error instanceof AcmeFault) throw error
      const { host } = new URL(url)
      if (late.aborted)
        throw new AcmeFault(`${host} gave no whole answer within 30 s`, `see whether ${host} is reached from this host`)
      throw unreached(host, error)
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #exchange(
    method: string,
    url: string,
    signal: AbortSignal,
    content: { readonly body: string; readonly accept?: string | undefined } | undefined,
  ): Promise<Answer> {
    const headers = {
      'User-Agent': 'sallyport',
      ...(content === undefined
        ? {}
        : {
            'Content-Type': 'application/jose+json',
            'Content-Length': String(Buffer.byteLength(content.body)),
            Accept: content.accept ?? 'application/json',
          }),
    }
    return new Promise((resolve, reject) => {
      const asked = request(url, { method, headers, agent: this.#agent, signal })
      asked.once('error', reject)
      asked.once('response', response => {
        read(response).then(resolve, reject)
      })
      asked.end(content?.body)
    })
  }
}

async function read(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BYTES) {
      response.destroy()
      throw new AcmeFault('the CA answered with more than 256 KiB', 'see whether directory is the URL of an ACME CA')
    }
    chunks.push(chunk)
  }
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }
}

const UNTRUSTED = /CERT|SIGNATURE|ALTNAME/

function unreached(host: string, error: unknown): AcmeFault {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown'
  const message = error instanceof Error ? error.message.slice(0, 200) : ''
  return UNTRUSTED.test(code)
    ? new AcmeFault(
        `the certificate of ${host} is not trusted: ${code}`,
        `where it is a private CA, name its root under ca; else see who answers for ${host}`,
      )
    : new AcmeFault(`${host} can not be reached: ${code} (${message})`, `see whether ${host} is reached from this host`)
}

/** Milliseconds that an answer's Retry-After asks for (RFC 9110 section 10.2.3); `undefined` where it says nothing. */
export function retryAfterOf({ headers }: Pick<Answer, 'headers'>, now: number): number | undefined {
  const text = headers['retry-after']
  if (text === undefined) return undefined
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
