import { parseAddress } from '../../src/core/address.ts'
import type { ClientCertificate } from '../../src/core/client-certificate.ts'
import { type Clock, frozenClock } from '../../src/core/clock.ts'
import { Headers } from '../../src/core/headers.ts'
import { parseMediaType } from '../../src/core/media-type.ts'
import {
  type Remote,
  RemoteFault,
  type RemoteOptions,
  type RemoteSetOptions,
  readRemoteUrl,
} from '../../src/core/remote.ts'
import type { ContentRequest } from '../../src/core/request.ts'
import { type Expiry, Offline, type Resources, type SignedBy } from '../../src/core/resources.ts'
import { Secret } from '../../src/core/secret.ts'
import { MemoryClaims } from '../../src/store/memory-claims.ts'
import { MemoryRates } from '../../src/store/memory-rates.ts'

/** A request, said plainly. What is left out is an empty POST of no type from 192.0.2.1. */
export interface RequestDescription {
  readonly method?: string
  /** Path and query. */
  readonly target?: string
  readonly host?: string
  readonly source?: string
  /** Name and value; an array of values sends the field several times. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  /** Sent as its JSON text, with `application/json` unless `headers` says otherwise. */
  readonly json?: unknown
  /** Sends no Content-Length. */
  readonly chunked?: boolean
  readonly clientCertificate?: Partial<ClientCertificate>
}

/** 2026-11-24T10:00:00Z, in milliseconds: where the fakes' clock stands. */
export const NOW = Date.UTC(2026, 10, 24, 10)

/** A request as the pipeline would hand it to a check of any stage. */
export function fakeRequest(description: RequestDescription = {}): ContentRequest {
  const raw = bodyOf(description)
  const sent = Object.entries({
    ...('json' in description ? { 'Content-Type': 'application/json' } : {}),
    ...description.headers,
    ...(description.chunked ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(raw.length) }),
  })
  const headers = new Headers(sent.flatMap(([name, value]) => [value].flat().flatMap(one => [name, one])))
  const type = headers.one('content-type')
  const address = parseAddress(description.source ?? '192.0.2.1')
  if (!address) throw new Error(`no address: ${description.source}`)
  const target = description.target ?? '/hooks/x'
  const [path = '', query = ''] = target.split('?', 2)
  const host = description.host ?? 'gate.example'
  const certificate = description.clientCertificate && fakeCertificate(description.clientCertificate)
  const json = (): unknown => JSON.parse(raw.toString('utf8'))
  return {
    id: '01KAR5AAAAAAAAAAAAAAAAAAAA',
    receivedAt: NOW,
    listener: 'public',
    encrypted: true,
    method: description.method ?? 'POST',
    target,
    path,
    query,
    host,
    authority: host,
    serverName: undefined,
    headers,
    source: address,
    peer: address,
    contentLength: description.chunked ? undefined : raw.length,
    mediaType: typeof type === 'string' ? parseMediaType(type) : undefined,
    publicUrl: `https://${host}${target}`,
    clientCertificate: () => certificate,
    raw,
    peekJson: () => peek(raw),
    content: { bytes: raw, value: json },
  }
}

/** As the pipeline does: what is no JSON is nothing. */
function peek(raw: Buffer): unknown {
  try {
    return JSON.parse(raw.toString('utf8'))
  } catch {
    return undefined
  }
}

function bodyOf(description: RequestDescription): Buffer {
  if ('json' in description) return Buffer.from(JSON.stringify(description.json))
  return Buffer.from(description.body ?? '')
}

/** A certificate that every default accepts, with what the description changes. */
export function fakeCertificate(changes: Partial<ClientCertificate> = {}): ClientCertificate {
  return {
    verified: true,
    subject: 'CN=test',
    issuer: 'CN=Test CA',
    serial: '01',
    notBefore: NOW - 86_400_000,
    notAfter: NOW + 86_400_000,
    dns: [],
    uris: [],
    emails: [],
    ips: [],
    fingerprint: 'f1'.repeat(32),
    spki: '5b'.repeat(32),
    extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'],
    der: Buffer.alloc(0),
    chain: [],
    issuers: [],
    ...changes,
  }
}

export interface FakeResources extends Resources {
  readonly clock: Clock & { advance(ms: number): void }
  /** What the check said will end. */
  readonly expiries: readonly Expiry[]
  /** By URL, what stands there: text, bytes or why it can't be had. A test may change it; `refresh` sees the change. */
  readonly documents: Map<string, string | Buffer | RemoteFault>
  /** The URLs that were fetched, in order. */
  readonly fetches: readonly string[]
  /** The secrets that were kept, by file. */
  readonly kept: ReadonlyMap<string, string>
}

/** A world of its own: a clock that stands, empty stores, and the secrets and files that are given. */
export function fakeResources(
  given: {
    readonly route?: string
    readonly secrets?: Readonly<Record<string, string>>
    readonly files?: Readonly<Record<string, string | Buffer>>
    /** By URL. What is not here answers 404. */
    readonly signedBy?: SignedBy
    /** Files that hold a kept secret already. */
    readonly kept?: Readonly<Record<string, string>>
    readonly documents?: Readonly<Record<string, string | Buffer | RemoteFault>>
    readonly clock?: Clock & { advance(ms: number): void }
    /** How many claims the store remembers. */
    readonly claims?: number
  } = {},
): FakeResources {
  const clock = given.clock ?? frozenClock(NOW)
  const expiries: Expiry[] = []
  const find = <T>(kind: string, name: string, held: Readonly<Record<string, T>> | undefined): T => {
    const value = held?.[name]
    if (value === undefined) throw new Offline(`${kind} ${name} is missing`, `set ${name}`)
    return value
  }
  const documents = new Map(Object.entries(given.documents ?? {}))
  const fetches: string[] = []
  const kept = new Map(Object.entries(given.kept ?? {}))
  const fetch = (url: string): Buffer | RemoteFault => {
    fetches.push(url)
    const found = documents.get(url) ?? new RemoteFault('answered 404', `ask for it by hand: curl -i ${url}`)
    return found instanceof RemoteFault ? found : Buffer.from(found)
  }
  return {
    documents,
    fetches,
    kept,
    signedBy: given.signedBy,
    keepSecret: (path, secret) => {
      if (kept.has(path)) return false
      kept.set(path, secret.text())
      return true
    },
    hasKept: path => kept.has(path),
    remote: (url, options) => fakeRemote(url, options, clock, () => fetch(url)),
    remoteSet: <T>(options: RemoteSetOptions<T>) => ({
      get(url: string) {
        if (!URL.canParse(url) || !options.admits(new URL(url)))
          return new RemoteFault("is no https URL of the provider's own hosts", 'none')
        const bytes = fetch(url)
        return bytes instanceof RemoteFault ? bytes : options.parse(bytes)
      },
    }),
    route: given.route ?? 'test-route',
    clock,
    rates: new MemoryRates({ clock, capacity: 1000 }),
    claims: new MemoryClaims({ clock, capacity: given.claims ?? 1000 }),
    secret: ref => new Secret(Buffer.from(find('secret', ref.name, given.secrets))),
    file: path => Buffer.from(find('file', path, given.files)),
    expires: what => expiries.push(what),
    expiries,
  }
}

/** As the gateway does, at once: a document that does not parse leaves the last good one, and a cooldown asks nobody. */
function fakeRemote<T>(
  url: string,
  options: RemoteOptions<T>,
  clock: Clock,
  fetch: () => Buffer | RemoteFault,
): Remote<T> {
  const bad = readRemoteUrl(url)
  if (bad instanceof RemoteFault) throw new Offline(`${url} ${bad.message}`, bad.mend)
  let current: T | undefined
  let fault: RemoteFault | undefined
  let askedAt: number | undefined
  let confirmedAt: number | undefined
  const ask = (): void => {
    askedAt = clock.monotonic()
    const bytes = fetch()
    const parsed = bytes instanceof RemoteFault ? bytes : options.parse(bytes)
    fault = parsed instanceof RemoteFault ? parsed : undefined
    if (parsed instanceof RemoteFault) return
    current = parsed
    confirmedAt = clock.now()
  }
  if (!options.lazy) ask()
  return {
    current: () => current,
    fault: () => fault,
    confirmedAt: () => confirmedAt,
    refresh: async () => {
      if (askedAt === undefined || clock.monotonic() - askedAt >= (options.cooldown ?? 30_000)) ask()
      return current
    },
  }
}
