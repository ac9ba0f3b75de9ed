import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { startGate } from '../support/gate.ts'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'

const nginx = await hasProgram('nginx', '-v')
const why = nginx ? '' : '(nginx is not installed)'
const SECRET = webhookSecret()
const REQUESTS = Number(process.env.SALLYPORT_NGINX_REQUESTS ?? 2_000)
const LANES = 16

// Everything that RFC 3986 allows in a path and a query, and texts that must be percent-encoded.
const PLAIN = "ABCXYZabcxyz0123456789-._~!$&'()*+,=:@"
const piece = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: fc.constantFrom(...PLAIN), minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }).map(encodeURIComponent) },
)
const made = fc.record({
  path: fc.array(piece, { minLength: 1, maxLength: 4 }).map(pieces => pieces.join('/')),
  query: fc.option(fc.array(fc.tuple(piece, piece), { maxLength: 3 }), { nil: undefined }),
  body: fc.oneof(
    fc.json({ maxDepth: 3, stringUnit: 'grapheme' }).map(json => `{"any":${json}}`),
    fc.constant('{"big":123456789012345678901234567890,"small":1e-400,"text":"\\ud83d\\ude00 \\u0000"}'),
    fc.nat({ max: 40_000 }).map(length => JSON.stringify({ text: 'é'.repeat(length) })),
  ),
  header: fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 40 }).map(text => text.trim() || 'x'),
  method: fc.constantFrom('POST', 'PUT', 'PATCH'),
  chunked: fc.boolean(),
})

const log = (port: number, inner: number): string => `
log_format seen escape=json '{"id":"$http_x_request_id","method":"$request_method","target":"$request_uri","path":"$uri",'
  '"length":"$http_content_length","coding":"$http_transfer_encoding","type":"$http_content_type",'
  '"header":"$http_x_pass","body":"$request_body"}';
server {
  listen 127.0.0.1:${port};
  client_body_buffer_size 1m;
  client_max_body_size 2m;
  access_log FOLDER/seen.log seen;
  location / { proxy_pass http://127.0.0.1:${inner}; }
}
server { listen 127.0.0.1:${inner}; location / { return 200 '{}'; } }
`

interface Seen {
  readonly id: string
  readonly method: string
  readonly target: string
  readonly path: string
  readonly length: string
  readonly coding: string
  readonly type: string
  readonly header: string
  readonly body: string
}

describe.skipIf(!nginx)(`nginx as the upstream ${why}`.trim(), () => {
  it(`reads ${REQUESTS} forwarded requests as the gate does`, async () => {
    const [port, inner] = [await freePort(), await freePort()]
    const upstream = await startNginx(log(port, inner), port)
    const gate = await startGate(
      `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
  - name: all
    match: { path-prefix: /hooks/, methods: [POST, PUT, PATCH] }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
    forward: { to: "http://127.0.0.1:${port}/up/", pass-headers: [X-Pass] }
`,
      { SECRET },
    ).catch(async error => {
      await upstream.stop()
      throw error
    })
    const agent = new Agent({ keepAlive: true, maxSockets: LANES })
    const expected = new Map<string, Omit<Seen, 'id'>>()
    const refusals: string[] = []
    const seen: Seen[] = []
    try {
      const left = fc.sample(made, { numRuns: REQUESTS })
      const lane = async (): Promise<void> => {
        for (let one = left.pop(); one; one = left.pop()) {
          const query =
            one.query === undefined ? '' : `?${one.query.map(([name, value]) => `${name}=${value}`).join('&')}`
          const { status, headers, code } = await ask({
            port: gate.port('public'),
            path: `/hooks/${one.path}${query}`,
            method: one.method,
            agent,
            headers: {
              ...signedBy('standard-webhooks', SECRET, one.body),
              'x-pass': one.header,
              ...(one.chunked ? { 'transfer-encoding': 'chunked' } : {}),
            },
            chunked: one.chunked,
            body: one.body,
          })
          if (status !== 200) {
            refusals.push(`${status} ${code} ${one.path}${query} ${one.body.slice(0, 80)}`)
            continue
          }
          expected.set(String(headers['x-request-id']), {
            method: one.method,
            // An empty query is none.
            target: `/up/${one.path}${query === '?' ? '' : query}`,
            path: `/up/${decodeURIComponent(one.path)}`,
            length: String(Buffer.byteLength(one.body)),
            coding: '',
            type: 'application/json',
            header: one.header,
            body: one.body,
          })
        }
      }
      await Promise.all(Array.from({ length: LANES }, lane))
    } finally {
      agent.destroy()
      await gate.stop()
      seen.push(...readFileSync(join(upstream.folder, 'seen.log'), 'utf8').trimEnd().split('\n').map(readSeen))
      await upstream.stop()
    }
    // Only paths and bodies that are ambiguous to somebody may be refused.
    expect(refusals.filter(each => !/^400 (request|body)\.malformed /.test(each))).toEqual([])
    expect(expected.size).toBeGreaterThan(REQUESTS * 0.9)
    expect(seen.length).toBe(expected.size)
    const differ = seen.filter(({ id, ...rest }) => JSON.stringify(expected.get(id)) !== JSON.stringify(rest))
    expect(differ.slice(0, 3).map(({ id, ...rest }) => ({ seen: rest, expected: expected.get(id) }))).toEqual([])
  }, 120_000)
})

const readSeen = (line: string): Seen => JSON.parse(line) as Seen
