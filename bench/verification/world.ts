import { parseAddress } from '../../src/core/address.ts'
import type { Check, CheckKind, Stage } from '../../src/core/check.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Headers } from '../../src/core/headers.ts'
import { Offline, type Resources } from '../../src/core/resources.ts'
import { Secret } from '../../src/core/secret.ts'
import { RequestContext } from '../../src/pipeline/context.ts'
import { MemoryClaims } from '../../src/store/memory-claims.ts'
import { MemoryRates } from '../../src/store/memory-rates.ts'

/** What a route's checks are given here: variables and files from memory, and nothing by URL. */
export function resources(
  secrets: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): Resources {
  const absent = (what: string): never => {
    throw new Offline(`${what} is no part of the benchmark`, 'leave it out')
  }
  return {
    route: 'bench',
    signedBy: undefined,
    clock: systemClock,
    rates: new MemoryRates({ clock: systemClock }),
    claims: new MemoryClaims({ clock: systemClock }),
    secret: ({ name }) => new Secret(Buffer.from(secrets[name] ?? absent(name))),
    file: path => Buffer.from(files[path] ?? absent(path)),
    remote: url => absent(url),
    remoteSet: () => absent('a set of documents'),
    keepSecret: () => false,
    hasKept: () => false,
    expires: () => undefined,
  }
}

/** A check as the gate compiles it: the config's value through its schema, then `create`. */
export function compiled<S extends Stage, Config, Code extends string>(
  kind: CheckKind<S, Config, Code>,
  config: unknown,
  means: Resources,
): Check<S, Code> {
  return kind.create(kind.config.parse(config), means)
}

export interface Sent {
  readonly url: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** An address; default one for documentation. */
  readonly source?: string
}

/** Fields that a sender's HTTP client and the proxies on its way add. */
const USUAL = ['Host', 'hooks.example.com', 'User-Agent', 'bench/1', 'Accept', '*/*', 'Accept-Encoding', 'gzip']

/** A new request as the listener and the pipeline make one. Its JSON has been parsed, as that is needed once anyway. */
export function received({ url, headers, body, source: from = '192.0.2.1' }: Sent): RequestContext {
  const { host, pathname, search } = new URL(url)
  const source = parseAddress(from)
  if (source === undefined) throw new Error(`${from} is no address`)
  const request = new RequestContext({
    id: '01KAR5AAAAAAAAAAAAAAAAAAAA',
    receivedAt: Date.now(),
    listener: 'public',
    encrypted: true,
    method: 'POST',
    target: pathname + search,
    path: pathname,
    query: search.slice(1),
    host,
    authority: host,
    serverName: host,
    headers: new Headers([...USUAL, 'Content-Length', String(body.length), ...headers.flat()]),
    source,
    peer: source,
    contentLength: body.length,
    certificate: undefined,
  })
  request.publicUrl = url
  request.raw = Buffer.from(body)
  request.peekJson()
  return request
}
