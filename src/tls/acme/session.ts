import type { KeyObject } from 'node:crypto'
import type { z } from 'zod'
import type { Clock } from '../../core/clock.ts'
import { AcmeFault, faultOf, type Mends } from './fault.ts'
import { type Directory, directory, parseJson, readProblem } from './messages.ts'
import { type Answer, retryAfterOf, type Transport } from './transport.ts'

/** Who signs: by the account's URL, or, to make the account, by the public key itself (RFC 8555 section 6.2). */
export interface Signer {
  readonly key: KeyObject
  readonly header: { readonly kid: string } | { readonly jwk: Readonly<Record<string, unknown>> }
}

export interface Post {
  readonly url: string
  /** `undefined`: POST-as-GET (RFC 8555 section 6.3). */
  readonly payload?: unknown
  readonly accept?: string
  /** For a fault: what it was that failed. */
  readonly what: string
  /** For a fault: what mends it here, by the type of the error. */
  readonly mends?: Mends
}

/** A CA says of one nonce in twenty that it is bad, where it tests its clients; so many in a row are no accident. */
const NONCES = 8

/** Signed requests to one CA (RFC 8555 section 6), each with a nonce of its own. */
export class Session {
  readonly #transport: Transport
  readonly #url: string
  readonly #clock: Clock
  #directory: Directory | undefined
  /** The one that came with the last answer; older ones may have ended. */
  #nonce: string | undefined

  constructor(transport: Transport, url: string, clock: Clock) {
    this.#transport = transport
    this.#url = url
    this.#clock = clock
  }

  /** @throws AcmeFault */
  async directory(ended: AbortSignal): Promise<Directory> {
    if (this.#directory !== undefined) return this.#directory
    const answer = await this.#transport.send('GET', this.#url, ended)
    if (answer.status !== 200) throw this.#refused('the directory of the CA', answer)
    this.#directory = read(directory, answer, 'the directory of the CA')
    return this.#directory
  }

  /** Learns the directory anew: URLs of a CA may change. */
  forget(): void {
    this.#directory = undefined
    this.#nonce = undefined
  }

  /** @throws AcmeFault where the CA refuses it, or can't be reached */
  async post({ url, payload, accept, what, mends }: Post, signer: Signer, ended: AbortSignal): Promise<Answer> {
    const { FlattenedSign } = await import('jose')
    const bytes = new TextEncoder().encode(payload === undefined ? '' : JSON.stringify(payload))
    for (let left = NONCES; ; left--) {
      const nonce = this.#nonce ?? (await this.#newNonce(ended))
      this.#nonce = undefined
      const jws = await new FlattenedSign(bytes)
        .setProtectedHeader({ alg: 'ES256', nonce, url, ...signer.header })
        .sign(signer.key)
      const answer = await this.#transport.send('POST', url, ended, { body: JSON.stringify(jws), accept })
      this.#nonce = nonceOf(answer)
      if (answer.status < 300) return answer
      const fault = this.#refused(what, answer, mends)
      if (fault.type !== 'badNonce' || left === 0) throw fault
    }
  }

  async #newNonce(ended: AbortSignal): Promise<string> {
    const { newNonce } = await this.directory(ended)
    const answer = await this.#transport.send('HEAD', newNonce, ended)
    const nonce = nonceOf(answer)
    if (nonce === undefined) throw this.#refused('a nonce', answer)
    return nonce
  }

  #refused(what: string, answer: Answer, mends?: Mends): AcmeFault {
    return faultOf(what, readProblem(answer.body), answer.status, retryAfterOf(answer, this.#clock.now()), mends)
  }
}

/** @throws AcmeFault where the answer is none of that form */
export function read<S extends z.ZodType>(schema: S, { body }: Answer, what: string): z.output<S> {
  const parsed = schema.safeParse(parseJson(body))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new AcmeFault(
    `${what}: what came is none (${issue?.path.join('.') || 'no JSON object'})`,
    'see whether directory is the URL of an ACME CA',
  )
}

function nonceOf({ headers }: Answer): string | undefined {
  const nonce = headers['replay-nonce']
  return typeof nonce === 'string' && /^[A-Za-z0-9_-]{1,256}$/.test(nonce) ? nonce : undefined
}
