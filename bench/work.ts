import { createHmac } from 'node:crypto'

/** The secret that signs the benchmark's webhooks; it guards nothing. */
export const SECRET = 'a-benchmark-keeps-nobody-out-0123456789'
export const PATH = '/hooks/github'
/** A route whose allow-list does not hold the load generator's address. */
export const FOREIGN_PATH = '/hooks/foreign'
/** Bytes of body that every peer takes; one more is refused. */
export const BODY_CAP = 128 * 1024

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

export interface Work {
  readonly name: string
  readonly title: string
  readonly request: Request
  /** What every peer that checks must answer, and a plain proxy can't. */
  readonly refused: boolean
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

export const WORKS: readonly Work[] = [
  { name: 'verified', title: 'One verified webhook, 1 KB', request: webhook(small), refused: false },
  { name: 'large', title: 'One verified webhook, 64 KB', request: webhook(event(64 * 1024)), refused: false },
  {
    name: 'forged',
    title: 'Refused: the signature is forged',
    request: webhook(small, { signature: sign(small, 'not the secret') }),
    refused: true,
  },
  {
    name: 'foreign',
    title: 'Refused: the source address is not allowed',
    request: webhook(small, { path: FOREIGN_PATH }),
    refused: true,
  },
]
