import { AddressGuard } from '../forward/address-guard.ts'
import type { UpstreamResult } from '../forward/exchange.ts'
import { Upstream } from '../forward/upstream.ts'
import { loadClientTls } from '../tls/client.ts'
import type { Loading } from './loading.ts'

/** Milliseconds. */
const TIMEOUT = { connect: 5_000, response: 10_000 }
const SYSTEM_TLS = { 'min-version': 'TLSv1.2' } as const

/**
 * Connections of the gate's own to where the operator has it report to: the system's CAs, and no address that is never a
 * server's. A redirect is an answer like any other.
 */
export class Outlet {
  readonly #make: () => Upstream
  #upstream: Upstream | undefined
  /** Host and port, for messages: the path may hold a secret. */
  readonly host: string

  /** @throws TlsProblem, Offline as loadClientTls does */
  constructor(origin: string, loading: Loading, name: string) {
    const url = new URL(origin)
    const tls = url.protocol === 'https:' ? loadClientTls(SYSTEM_TLS, loading.resources(name)) : undefined
    this.host = url.host
    this.#make = () =>
      new Upstream(url.origin, TIMEOUT, { tls, lookup: new AddressGuard({ strict: false, allow: [] }).lookup })
  }

  /** @param headers name, value, ... without Content-Length */
  post(path: string, headers: string[], body: Buffer): Promise<UpstreamResult> {
    // Not before: a config that is refused after all has then opened nothing.
    this.#upstream ??= this.#make()
    return this.#upstream.send({ id: '', method: 'POST', path, headers: ['User-Agent', 'sallyport', ...headers], body })
  }

  /** Ends with the requests that are under way. */
  retire(): void {
    this.#upstream?.retire()
  }
}

/** The text of an answer, which repeats what was sent as likely as not; empty where it is too large to be one of a receiver. */
export function saidBy(answer: UpstreamResult & { readonly ok: true }): string {
  if (Buffer.isBuffer(answer.body)) return answer.body.toString('utf8')
  answer.body.on('error', () => undefined).destroy()
  return ''
}
