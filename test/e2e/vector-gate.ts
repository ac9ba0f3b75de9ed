import { expect } from 'vitest'
import { providerOf } from '../../src/signing/index.ts'
import type { Vector } from '../signing/vectors.ts'
import { ask } from '../support/client.ts'
import { type FrozenGate, startFrozenGate } from '../support/frozen-gate.ts'
import type { TestUpstream } from '../support/upstream.ts'

const URL_OF_NONE = 'https://hooks.example.com/in'
/** The clock of vectors that sign no time. */
export const NOW_OF_NONE = '2026-01-01T00:00:00Z'

/** A code stands for a refusal; `any` where the source names none. */
export interface PipelineVector extends Omit<Vector, 'code'> {
  readonly code?: Vector['code'] | 'any'
  /** The check's settings in YAML, of a scheme that is no provider. The key is in SECRET. */
  readonly settings?: string
  /** The signature leaves the body out. */
  readonly bodyUnsigned?: boolean
  /** What the vector is answered with, which is then a handshake and not signed. */
  readonly answer?: string
}

const isJson = (body: string): boolean => /^[[{]/.test(body)
const lowerCase = (headers: Vector['headers']): Vector['headers'] =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

type Sent = Pick<Vector, 'headers' | 'body'>

/** A URL in its parts as written: what begins it, up to its credentials, the credentials, the host, and the rest. */
function partsOf(url: string) {
  const [, scheme = '', credentials, host = '', rest = ''] =
    /^([a-z]+:\/\/)(?:([^/?@]*)@)?([^/?]*)(.*)$/.exec(url) ?? []
  return { origin: scheme + host, credentials, target: rest }
}

/** A gate with one route, which asks for the vector's provider, and the vector's clock, which stands. */
export function gateOf(vector: PipelineVector, to: string): Promise<FrozenGate> {
  const { provider, secret, now, url, method, settings } = vector
  const held = providerOf(provider)?.secret ? 'secrets' : 'keys'
  const { origin, credentials } = partsOf(url ?? URL_OF_NONE)
  const more = credentials === undefined ? '' : ', url-credentials: { env: URL_CREDENTIALS }'
  return startFrozenGate(
    `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
  - name: vector
    match: { path-prefix: /, methods: [${method ?? 'POST'}] }
    public-url: ${origin}
    checks:
      - content-type: { accept: [any] }
      - signature: ${settings ?? `{ provider: ${provider}, ${held}: [{ env: SECRET }]${more} }`}
    forward: { to: "${to}/" }
`,
    { SECRET: secret, ...(credentials && { URL_CREDENTIALS: credentials }) },
    Date.parse(now ?? NOW_OF_NONE),
  )
}

/**
 * Sends a vector over a socket, through a whole gate and on to `upstream`; where it verifies, also with one character
 * changed in its body and in each header that carries its signature, its time or its id.
 */
export async function sendVector(vector: PipelineVector, upstream: TestUpstream): Promise<void> {
  const { url = URL_OF_NONE, method = 'POST', body, code } = vector
  const headers = isJson(body) ? { 'content-type': 'application/json', ...lowerCase(vector.headers) } : vector.headers
  const gate = await gateOf(vector, upstream.url)
  const send = async (sent: Sent) => {
    upstream.received.length = 0
    const reply = await ask({ port: gate.port('public'), path: partsOf(url).target, method, ...sent })
    return { status: reply.status, code: reply.code, forwarded: upstream.received.length }
  }
  const refused = (expected: unknown) => ({ status: 401, code: expected, forwarded: 0 })
  const anyCode = expect.stringMatching(/^signature\./)
  try {
    if (code !== undefined) {
      expect(await send({ headers, body })).toEqual(refused(code === 'any' ? anyCode : code))
      return
    }
    expect(await send({ headers, body })).toEqual({ status: 200, code: '', forwarded: 1 })
    if (isJson(body)) expect(upstream.received[0]?.body.toString()).toBe(body)
    const names = signing(vector)
    if (!vector.bodyUnsigned)
      expect(await send({ headers, body: changed(body) }), 'body').toEqual(
        // Where it stands in the body, what was changed may be the signature.
        refused(names.length > 0 ? 'signature.mismatch' : anyCode),
      )
    for (const name of names)
      expect(await send({ headers: { ...headers, [name]: forged(String(headers[name])) }, body }), name).toEqual(
        refused(anyCode),
      )
  } finally {
    await gate.close()
  }
}

const MESSAGE_SIGNATURE = ['Signature', 'Signature-Input']

/** The headers that carry the signature, its time and its id, in lower case as they are sent with JSON. */
function signing({ provider, headers, body }: PipelineVector): string[] {
  const named = (providerOf(provider)?.scheme.headers ?? MESSAGE_SIGNATURE).map(name => name.toLowerCase())
  const sent = Object.keys(headers).filter(name => named.includes(name.toLowerCase()))
  expect(sent.length > 0, 'a scheme with headers has sent some').toBe(named.length > 0)
  return isJson(body) ? sent.map(name => name.toLowerCase()) : sent
}

/** The text with its last letter or digit changed for another. */
function changed(text: string): string {
  return text.replace(/[a-z0-9](?=[^a-z0-9]*$)/, found => (found === '7' ? '8' : '7')) || 'x'
}

/** A header's value with one character changed; where it lists signatures behind blanks, one of each. */
function forged(value: string): string {
  return value.startsWith('v1,') ? value.replace(/\S+/g, changed) : changed(value)
}
