import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Explanation } from '../../src/pipeline/explanation.ts'
import { ask } from '../support/client.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { type RunningNginx, startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const PAST_S = 1_700_000_000
const jwt = (claims: object): string =>
  [JSON.stringify({ alg: 'HS256' }), JSON.stringify(claims), 'sig']
    .map(part => Buffer.from(part).toString('base64url'))
    .join('.')

const ENV = {
  TOKEN: 'an-opaque-token-of-this-test',
  OLD_JWT: jwt({ sub: 'crm', exp: PAST_S }),
  EARLY_JWT: jwt({ sub: 'crm', nbf: PAST_S * 2 }),
  PASSWORD: 'a-password-of-this-test',
  SIGNING: webhookSecret(),
}

/** What the upstream answers, by the name of the case. */
const ANSWERS: Readonly<Record<string, (res: ServerResponse) => void>> = {
  bare: res => void res.writeHead(401).end(),
  forbidden: res => void res.writeHead(403).end(),
  basic: res => void res.writeHead(401, { 'www-authenticate': 'Basic realm="a, Digest b"' }).end(),
  invalid: res =>
    void res
      .writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token", error_description="no such token, sorry"' })
      .end(`{"detail":"${ENV.TOKEN} is not known"}`),
  scope: res =>
    void res
      .writeHead(403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="tickets:write"' })
      .end('{}'),
  signature: res => void res.writeHead(422).end('{"errors":[{"field":"X-Sig","message":"Invalid signature"}]}'),
  late: res => void res.writeHead(400).end('{"error":"timestamp is too old"}'),
  address: res => void res.writeHead(403).end('{"message":"IP 192.0.2.1 is not in the allowlist"}'),
  csrf: res => void res.writeHead(403).end('<h1>Forbidden</h1><p>CSRF verification failed. Request aborted.</p>'),
  content: res => void res.writeHead(422).end('{"errors":{"title":["must not be blank"]}}'),
  form: res => void res.writeHead(415).end(),
  busy: res => void res.writeHead(429).end(),
  path: res => void res.writeHead(404).end('the client certificate page was not found'),
  packed: res => void res.writeHead(401, { 'content-encoding': 'gzip' }).end('signature'),
  down: res => void res.writeHead(500).end('signature'),
}

describe.skipIf(!(await hasProgram('nginx', '-v')))('what the upstream refuses is explained', () => {
  const folder = tempFolder()
  let receiver: TestUpstream
  let nginx: RunningNginx
  let gate: RunningGate
  let admin: number

  beforeAll(async () => {
    await makeCertificates(folder)
    receiver = await startUpstream((req, res) =>
      (ANSWERS[req.headers['x-case']?.toString() ?? ''] ?? ANSWERS.bare)?.(res),
    )
    const port = await freePort()
    const file = (name: string): string => `${folder}/${name}`
    nginx = await startNginx(
      `server { listen 127.0.0.1:${port} ssl; ssl_certificate ${file('server.crt')}; ssl_certificate_key ${file('server.key')}; ssl_client_certificate ${file('ca.crt')}; ssl_verify_client on; location / { return 204; } }`,
      port,
    )
    admin = await freePort()
    const route = (name: string, more: string, to = `${receiver.url}/in`): string => `
  - name: ${name}
    match: { path: /${name} }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "${to}", pass-headers: [X-Case], ${more} }`
    gate = await startGate(
      `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:${admin}" }
routes:${[
        route('nothing', 'body: {}'),
        route('bearer', 'authenticate: { bearer: { env: TOKEN } }'),
        route('old', 'authenticate: { bearer: { env: OLD_JWT } }'),
        route('early', 'authenticate: { bearer: { env: EARLY_JWT } }'),
        route('basic', 'authenticate: { basic: { username: crm, password: { env: PASSWORD } } }'),
        route('own', 'sign: { env: SIGNING }'),
        route('signed', 'authenticate: { signature: { provider: standard-webhooks, secret: { env: SIGNING } } }'),
        route('tls', 'tls: { ca: ca.crt }', `https://localhost:${port}/in`),
      ].join('')}
`,
      ENV,
      folder,
    )
  }, 30_000)
  afterAll(async () => {
    await gate.stop()
    await nginx.stop()
    await receiver.close()
  }, 30_000)

  const refused = async (route: string, what: string) => {
    const reply = await ask({
      port: gate.port('crm-side'),
      path: `/${route}`,
      headers: { 'content-type': 'application/json', 'x-case': what },
      body: '{"a":1}',
    })
    const id = String(reply.headers['x-request-id'])
    const line = await gate.line(each => each['request-id'] === id)
    const { body } = await ask({ port: admin, method: 'GET', path: `/api/captures/${id}/explain` })
    const { steps } = JSON.parse(body) as Explanation
    const step = steps.at(-1)
    expect(step?.check).toBe('forward')
    const [first, ...more] = step?.findings ?? []
    return { status: reply.status, line, id, first, more, step }
  }

  it.each([
    ['nothing', 'bare', 401, 'upstream.no-credential', 'likely'],
    ['nothing', 'basic', 401, 'upstream.no-credential', 'likely'],
    ['nothing', 'csrf', 403, 'upstream.csrf', 'likely'],
    ['bearer', 'bare', 401, 'upstream.credential-refused', 'possible'],
    ['bearer', 'forbidden', 403, 'upstream.credential-refused', 'possible'],
    ['bearer', 'invalid', 401, 'upstream.credential-refused', 'likely'],
    ['bearer', 'packed', 401, 'upstream.credential-refused', 'possible'],
    ['bearer', 'basic', 401, 'upstream.other-scheme', 'likely'],
    ['bearer', 'scope', 403, 'upstream.scope', 'likely'],
    ['bearer', 'address', 403, 'upstream.address', 'likely'],
    ['bearer', 'signature', 422, 'upstream.signature-missing', 'possible'],
    ['bearer', 'form', 415, 'upstream.content-type', 'likely'],
    ['bearer', 'busy', 429, 'upstream.too-many', 'likely'],
    ['bearer', 'path', 404, 'upstream.path', 'likely'],
    ['old', 'bare', 401, 'upstream.token-ended', 'proven'],
    ['old', 'signature', 422, 'upstream.token-ended', 'proven'],
    ['early', 'bare', 401, 'upstream.token-early', 'proven'],
    ['basic', 'bare', 401, 'upstream.credential-refused', 'possible'],
    ['signed', 'signature', 422, 'upstream.signature-refused', 'possible'],
    ['own', 'signature', 422, 'upstream.signature-refused', 'possible'],
    ['signed', 'late', 400, 'upstream.clock', 'possible'],
    ['tls', '', 400, 'upstream.certificate-missing', 'likely'],
  ])('on the route %s, by its answer %s', async (route, what, status, cause, certainty) => {
    const seen = await refused(route, what)
    expect(seen).toMatchObject({ status, first: { cause, certainty } })
    expect(seen.line).toMatchObject({ level: 'warn', msg: 'forwarded', status, remedy: `sallyport explain ${seen.id}` })
    if (status === 400 || status === 422) expect(seen.first?.because).toMatch(/^its 4\d\d may hide a failed auth/)
  })

  it('by what the answer names, and never by its text', async () => {
    const { line, step } = await refused('bearer', 'invalid')
    const evidence = { 'asks-for': ['Bearer'], error: 'invalid_token', names: ['token'] }
    expect(line.evidence).toEqual(evidence)
    expect(step?.evidence).toEqual(evidence)
    expect(JSON.stringify([line, step])).not.toMatch(/not known|sorry|an-opaque-token/)
    expect((await refused('bearer', 'scope')).line.evidence).toMatchObject({ scope: 'tickets:write' })
    expect((await refused('nothing', 'basic')).line.evidence).toEqual({ 'asks-for': ['Basic'] })
  })

  it('with nothing guessed where it says nothing of authentication', async () => {
    const content = await refused('bearer', 'content')
    expect(content).toMatchObject({ status: 422, first: undefined })
    expect(content.line.evidence).toBeUndefined()
    expect(content.step?.remedy).toMatch(/upstream's own log/)
    expect(await refused('bearer', 'down')).toMatchObject({ status: 500, first: undefined, line: { level: 'warn' } })
  })
})
