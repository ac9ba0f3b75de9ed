import { createRequire } from 'node:module'
import type { Dispatcher, Pool } from 'undici'
import type { Secret } from '../core/secret.ts'
import { readJsonObject } from '../signing/jws.ts'
import type { Claims } from './claims.ts'

/** Why the endpoint has not answered; for the operator. */
export class Unanswered {
  readonly because: string
  constructor(because: string) {
    this.because = because
  }
}

export interface ClientOptions {
  readonly endpoint: string
  readonly id: string
  readonly secret: Secret
  /** PEM; `undefined`: the CAs of the system. */
  readonly ca: Buffer | undefined
  /** Milliseconds for one whole answer. */
  readonly timeout: number
}

const CONNECTIONS = 16
/** Questions under way at once: more wait for a server that does not keep up, and would only wait longer. */
const MOST_ASKING = 256
const ANSWER_BYTES = 64 * 1024

/**
 * Asks an authorization server what a token is worth (RFC 7662). Requests for one token that come at once are one
 * question. No redirect is followed, and nothing is asked twice.
 */
export class IntrospectionClient {
  readonly #pool: Pool
  readonly #path: string
  readonly #origin: string
  readonly #authorization: string
  readonly #timeout: number
  readonly #asking = new Map<string, Promise<Claims | Unanswered>>()

  constructor({ endpoint, id, secret, ca, timeout }: ClientOptions) {
    const url = new URL(endpoint)
    this.#origin = url.origin
    this.#path = url.pathname + url.search
    this.#timeout = timeout
    this.#authorization = `Basic ${Buffer.from(`${form(id)}:${form(secret.text())}`).toString('base64')}`
    // Loaded with the first check of this kind: a gate without one starts that much sooner.
    const undici = createRequire(import.meta.url)('undici') as typeof import('undici')
    this.#pool = new undici.Pool(url.origin, {
      connections: CONNECTIONS,
      pipelining: 1,
      allowH2: false,
      connect: { timeout, ...(ca === undefined ? {} : { ca }) },
      keepAliveTimeout: 4_000,
      maxHeaderSize: 16_384,
    })
  }

  /** @param digest of the token: what tells two questions apart. Does not reject. */
  ask(token: string, digest: string): Promise<Claims | Unanswered> {
    const before = this.#asking.get(digest)
    if (before !== undefined) return before
    if (this.#asking.size >= MOST_ASKING)
      return Promise.resolve(new Unanswered(`${MOST_ASKING} questions wait for an answer`))
    const asking = this.#request(token).finally(() => this.#asking.delete(digest))
    this.#asking.set(digest, asking)
    return asking
  }

  close(): void {
    void this.#pool.close()
  }

  async #request(token: string): Promise<Claims | Unanswered> {
    const late = AbortSignal.timeout(this.#timeout)
    try {
      const answer = await this.#pool.request({
        origin: this.#origin,
        path: this.#path,
        method: 'POST',
        headers: {
          authorization: this.#authorization,
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: `token=${form(token)}&token_type_hint=access_token`,
        signal: late,
      })
      return await read(answer)
    } catch (error) {
      if (late.aborted) return new Unanswered(`no whole answer within ${this.#timeout} ms`)
      return new Unanswered(`no answer: ${codeOf(error)}`)
    }
  }
}

async function read({ statusCode, body }: Dispatcher.ResponseData): Promise<Claims | Unanswered> {
  const refuse = (because: string): Unanswered => {
    // Its end might never come.
    body.on('error', () => undefined).destroy()
    return new Unanswered(because)
  }
  if (statusCode === 401 || statusCode === 403)
    return refuse(`it answered ${statusCode}: does it know the client, and may the client ask?`)
  if (statusCode !== 200) return refuse(`it answered ${statusCode}`)
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > ANSWER_BYTES) return refuse(`its answer is larger than ${ANSWER_BYTES / 1024} KiB`)
    chunks.push(chunk)
  }
  const claims = readJsonObject(Buffer.concat(chunks))
  if (claims === undefined) return new Unanswered('its answer is no JSON object, or has a name twice')
  if (typeof claims.active !== 'boolean') return new Unanswered('its answer does not say whether the token is active')
  return claims
}

/** application/x-www-form-urlencoded, which the client's id and secret are in as well (RFC 6749 section 2.3.1). */
const form = (text: string): string => new URLSearchParams({ x: text }).toString().slice(2)

/** A code names what happened without naming what was sent. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
    ? cause.code
    : 'the connection broke'
}
