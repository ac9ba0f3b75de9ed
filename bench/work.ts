import { createHmac } from 'node:crypto'

/** The secret that signs the benchmark's webhooks; it guards nothing. */
export const SECRET = 'a-benchmark-keeps-nobody-out-0123456789'
export const PATH = '/hooks/github'
/** A route whose allow-list does not hold the load generator's address. */
export const FOREIGN_PATH = '/hooks/foreign'
/** A route that admits one request a minute and source. */
export const LIMITED_PATH = '/hooks/limited'

/** How the peers are set up for a work: works of one setting share the running peers. */
export interface Setting {
  readonly name: 'plain' | 'tls' | 'mutual' | 'roomy'
  /** `mutual`: clients must have a certificate of the bench's CA. */
  readonly tls: 'off' | 'server' | 'mutual'
  /** Bytes of body that every peer takes; one more is refused. */
  readonly cap: number
}

const PLAIN: Setting = { name: 'plain', tls: 'off', cap: 128 * 1024 }
const TLS: Setting = { name: 'tls', tls: 'server', cap: 128 * 1024 }
const MUTUAL: Setting = { name: 'mutual', tls: 'mutual', cap: 128 * 1024 }
const ROOMY: Setting = { name: 'roomy', tls: 'off', cap: 2 * 1024 * 1024 }
export const SETTINGS = { plain: PLAIN, roomy: ROOMY, tls: TLS, mutual: MUTUAL } as const

/** A push event of exactly `size` bytes. */
export function event(size: number): Buffer {
  const push = {
    ref: 'refs/heads/main',
    before: '6113728f27ae82c7b1a177c8d03f9e96e0adf246',
    after: '59b20b8d5c6ff8d09518454d4dd8b7b30f095ab5',
    repository: { id: 186853002, name: 'crm', full_name: 'example/crm', private: true, owner: { id: 21031067 } },
    pusher: { name: 'octo', email: 'octo@example.com' },
    action: 'push',
    forced: false,
    commits: [
      { id: '59b20b8d5c6ff8d0', distinct: true, message: 'Keep the ticket open', added: ['a.md'], removed: [] },
    ],
    note: '',
  }
  const missing = size - Buffer.byteLength(JSON.stringify(push))
  if (missing < 0) throw new RangeError(`an event has at least ${size - missing} bytes`)
  push.note = 'lorem ipsum '.repeat(Math.ceil(missing / 12)).slice(0, missing)
  return Buffer.from(JSON.stringify(push))
}

/** GitHub's `X-Hub-Signature-256` of `body`. */
export function sign(body: Buffer, secret: string = SECRET): string {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
}

export interface Request {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * How the requests come. `keep-alive`: over kept connections, as many as are answered; `half`: over kept connections at
 * half of the rate that the peer showed when warming up; `full` and `resumed`: each over a TLS connection of its own.
 */
export type Arrival = 'keep-alive' | 'half' | 'full' | 'resumed'

export interface Work {
  readonly name: string
  readonly title: string
  readonly request: Request
  readonly setting: Setting
  readonly arrival: Arrival
  /** What every peer that checks must answer, and a plain proxy can't; `half`: every second request is refused. */
  readonly refused: boolean | 'half'
  /** Of requests that are refused, how many may pass: a rate limit admits its first. */
  readonly admits?: number
  /** Sent in turn with `request`. */
  readonly alternate?: Request
  /** A function in Lua that makes the next request, where they differ; needs wrk. */
  readonly vary?: string
}

export function webhook(body: Buffer, changes: { path?: string; type?: string; signature?: string } = {}): Request {
  return {
    method: 'POST',
    path: changes.path ?? PATH,
    headers: {
      'Content-Type': changes.type ?? 'application/json',
      'User-Agent': 'GitHub-Hookshot/044aadd',
      'X-GitHub-Delivery': '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'X-GitHub-Event': 'push',
      'X-Hub-Signature-256': changes.signature ?? sign(body),
    },
    body,
  }
}

const small = event(1024)
/** A webhook that every peer lets through. */
export const VERIFIED: Request = webhook(small)
/** The same webhook, signed with another secret. */
export const FORGED: Request = webhook(small, { signature: sign(small, 'not the secret') })
const accepted = { request: VERIFIED, setting: PLAIN, arrival: 'keep-alive', refused: false } as const
const refused = { ...accepted, refused: true }

export const WORKS: readonly Work[] = [
  { ...accepted, name: 'verified', title: 'One verified webhook, 1 KB' },
  { ...accepted, name: 'large', title: 'One verified webhook, 64 KB', request: webhook(event(64 * 1024)) },
  {
    ...refused,
    name: 'forged',
    title: 'Refused: the signature is forged',
    request: FORGED,
  },
  {
    ...refused,
    name: 'foreign',
    title: 'Refused: the source address is not allowed',
    request: webhook(small, { path: FOREIGN_PATH }),
  },
  {
    ...refused,
    name: 'limited',
    title: 'Refused: more requests than the rate limit admits',
    request: webhook(small, { path: LIMITED_PATH }),
    admits: 5,
  },
  { ...accepted, name: 'half', title: 'One verified webhook, 1 KB, at half of what the peer can do', arrival: 'half' },
  {
    ...accepted,
    name: 'megabyte',
    title: 'One verified webhook, 1 MB',
    request: webhook(event(1024 * 1024)),
    setting: ROOMY,
  },
  { ...accepted, name: 'tls', title: 'Over kept TLS connections', setting: TLS },
  { ...accepted, name: 'tls-full', title: 'A new TLS connection for each webhook', setting: TLS, arrival: 'full' },
  {
    ...accepted,
    name: 'tls-resumed',
    title: 'A new TLS connection for each webhook, its session resumed',
    setting: TLS,
    arrival: 'resumed',
  },
  {
    ...accepted,
    name: 'mtls-full',
    title: 'A new TLS connection with a client certificate for each webhook',
    setting: MUTUAL,
    arrival: 'full',
  },
]
