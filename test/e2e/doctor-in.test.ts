import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examine } from '../support/doctor.ts'
import { makeCertificates, type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { type RunningNginx, startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { type Crafted, craft, DAY, SERVER_AUTH } from '../tls/craft.ts'

const hasNginx = await hasProgram('nginx', '-v')
const ENV = { GITHUB_SECRET: 'a-secret-of-the-test', STRIPE_SECRET: 'whsec_of-the-test', TOKEN: 'a-token-of-the-test' }
const LONG = { notAfter: Date.now() + 200 * DAY }

let crm: TestUpstream
let gate: RunningGate
let folder: string
let port: number

beforeAll(async () => {
  crm = await startUpstream()
  folder = tempFolder()
  await makeCertificates(join(folder, 'certs'))
  port = await freePort()
  const config = `
listeners:
  - name: public
    bind: 127.0.0.1:${port}
    public-url: https://localhost:${port}
    tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }], client-ca: certs/clients-ca.crt }
routes:
  - { name: github, match: { path: /hooks/github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] } }], forward: { to: "${crm.url}/github" } }
  - { name: stripe, match: { path: /hooks/stripe }, checks: [{ client-cert: {} }, { signature: { provider: stripe, secrets: [{ env: STRIPE_SECRET }] } }, { replay: {} }], forward: { to: "${crm.url}/stripe" } }
  - { name: kb, match: { path: /hooks/kb }, checks: [{ bearer: { tokens: [{ name: kb, env: TOKEN }] } }], forward: { to: "${crm.url}/kb" } }
  - { name: inner, match: { path: /hooks/inner }, checks: [{ source-ip: { allow: [192.0.2.1] } }, { signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] } }], forward: { to: "${crm.url}/in" } }
`
  gate = await startGate(config, ENV, folder)
})
afterAll(async () => {
  await gate.stop()
  await crm.close()
})

const look = (route: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = ENV) =>
  examine([route, '--config', 'gate.yaml', '--only', 'in', ...args], { cwd: folder, env })
const CA = ['--ca', 'certs/ca.crt']

describe('an endpoint of a gate', () => {
  it('is in order; a right event is accepted, two forged ones refused, and nothing reaches the upstream', async () => {
    const before = crm.received.length
    const found = await look('github', CA)
    expect(found.failed).toEqual([])
    expect(found.warned).toEqual([])
    expect(found.code).toBe(0)
    expect(found.fine).toEqual(
      expect.arrayContaining([
        'url.route',
        'port.open',
        'tls.certificate',
        'tls.versions',
        'http.gate',
        'clock.same',
        'event.accepted',
      ]),
    )
    expect(found.of('event.forged-refused').evidence?.refused).toHaveLength(2)
    expect(crm.received.length).toBe(before)
  })

  it('takes a right event to the upstream where that is asked for, marked as a test', async () => {
    const shown = ['--cert', 'certs/client.crt', '--key', 'certs/client.key']
    const found = await look('stripe', [...CA, ...shown, '--send'])
    expect(found.failed).toEqual([])
    expect(found.of('event.forged-refused').evidence?.refused).toHaveLength(3)
    expect(found.of('client-cert.names').evidence?.offered).toEqual(['CN=Sallyport clients CA'])
    expect(found.fine).toContain('event.delivered')
    expect(crm.received.at(-1)?.body.toString()).toContain('sallyport-doctor')
  })

  it('is tried with a token as well, right and wrong', async () => {
    const found = await look('kb', CA)
    expect(found.fine).toEqual(expect.arrayContaining(['event.accepted', 'event.forged-refused']))
    expect(found.failed).toEqual([])
  })

  it('is of a CA that strangers do not trust: no event is sent there', async () => {
    const found = await look('kb')
    expect(found.failed).toEqual(['tls.private-ca'])
    expect(found.of('tls.private-ca')).toMatchObject({ certainty: 'proven' })
    expect(found.findings.some(({ cause }) => cause.startsWith('event.'))).toBe(false)
    expect(found.code).toBe(1)
  })

  it('is a gate that holds another secret', async () => {
    const found = await look('github', CA, { ...ENV, GITHUB_SECRET: 'another-secret' })
    expect(found.failed).toEqual(['event.refused'])
    expect(found.of('event.refused').mend).toContain('Settings, Webhooks')
    expect(JSON.stringify(found.findings)).not.toContain('another-secret')
  })

  it('is guarded by an earlier check, which is no failure', async () => {
    const found = await look('inner', CA)
    expect(found.failed).toEqual([])
    expect(found.of('event.not-reached').evidence?.code).toBe('source-ip.outside')
  })

  it('was given to the service with another path, with blanks, or in plain http', async () => {
    const path = await look('github', [...CA, '--url', `https://localhost:${port}/hooks/github/`])
    expect(path.failed).toEqual(['url.path-unmatched'])
    expect(path.of('url.path-unmatched').because).toContain('a slash too many')
    expect(path.fine).toContain('http.gate')
    const other = await look('github', [...CA, '--url', `https://localhost:${port}/hooks/kb`])
    expect(other.failed[0]).toBe('url.other-route')
    const hidden = await look('github', [...CA, '--url', `https://localhost:${port}/hooks/github\u200b`])
    expect(hidden.failed[0]).toBe('url.hidden-character')
    expect(hidden.of('url.hidden-character').because).toContain('ZERO WIDTH SPACE')
    const plain = await look('github', ['--url', `http://localhost:${port}/hooks/github`])
    expect(plain.failed).toEqual(['http.tls-port'])
    const abroad = await look('github', ['--url', 'http://hooks.invalid/hooks/github'])
    expect(abroad.failed).toEqual(['url.plain-http', expect.stringMatching(/^dns\.(unknown|no-answer)$/)])
  })

  it('is no URL, or one of a port where nothing listens', async () => {
    expect((await look('github', ['--url', 'hooks.example.com'])).failed).toEqual(['url.unreadable'])
    const closed = await freePort()
    const found = await look('github', ['--url', `https://localhost:${closed}`])
    expect(found.failed).toEqual(['port.closed'])
  })

  it.each(['127.0.0.2', '[::1]'])('is asked at its own loopback address, %s', async host => {
    const own = tempFolder()
    const free = await freePort()
    const config = `
listeners: [{ name: inner, bind: "${host}:${free}" }]
routes:
  - { name: github, match: { path: /hooks/github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] } }], forward: { to: "${crm.url}/github" } }
`
    const inner = await startGate(config, ENV, own)
    const found = await examine(['github', '--config', 'gate.yaml', '--only', 'in'], { cwd: own, env: ENV })
    await inner.stop()
    expect(found.failed).toEqual([])
    expect(found.fine).toEqual(expect.arrayContaining(['http.gate', 'event.accepted']))
  })

  it('has a certificate of another name', async () => {
    const found = await look('github', [...CA, '--url', 'https://hooks.example.com', '--connect', `127.0.0.1:${port}`])
    expect(found.failed).toEqual(['tls.name-mismatch'])
    expect(found.of('tls.name-mismatch').because).toContain('localhost')
  })

  it('is looked at without a config, too', async () => {
    const found = await examine([`https://localhost:${port}/hooks/none`, ...CA], { cwd: folder })
    expect(found.failed).toEqual(['url.path-unmatched'])
  })
})

describe('the config of a gate', () => {
  const own = (env: NodeJS.ProcessEnv) => examine(['--config', 'gate.yaml', '--only', 'config'], { cwd: folder, env })

  it('has all that it needs', async () => {
    const found = await own(ENV)
    expect(found.failed).toEqual([])
    expect(found.fine).toEqual(expect.arrayContaining(['listener.files', 'checks.ready']))
  })

  it('lacks a secret: it is said where the service shows it', async () => {
    const found = await own({ ...ENV, STRIPE_SECRET: undefined })
    expect(found.failed).toEqual(['signature.not-there'])
    expect(found.of('signature.not-there').mend).toContain('Stripe Dashboard: Developers, Webhooks')
    const wrong = await own({ ...ENV, STRIPE_SECRET: 'sk_test_an-api-key' })
    expect(wrong.failed).toEqual(['signature.unusable'])
    expect(wrong.of('signature.unusable').mend).toContain('Signing secret')
    expect(JSON.stringify(wrong.findings)).not.toContain('sk_test')
  })
})

describe.runIf(hasNginx)('nginx in front of a gate', () => {
  const running: RunningNginx[] = []
  let root: Crafted
  let issuing: Crafted

  beforeAll(async () => {
    root = await craft({ subject: 'CN=Root', ca: true, ...LONG })
    issuing = await craft({ subject: 'CN=Issuing', issuer: root, ca: true, ...LONG })
    writeFileSync(join(folder, 'root.pem'), root.certificate)
  })
  afterAll(async () => {
    for (const nginx of running) await nginx.stop()
  })

  const leafOf = (more: Partial<Parameters<typeof craft>[0]> = {}) =>
    craft({ subject: 'CN=leaf', issuer: issuing, dns: ['localhost'], usage: [SERVER_AUTH], ...LONG, ...more })

  /** @param chain what nginx serves, the leaf first @param rest of its server block */
  async function front(leaf: Crafted, chain: readonly Crafted[], rest: string): Promise<number> {
    const at = await freePort()
    const name = join(folder, `front-${at}`)
    writeFileSync(`${name}.pem`, chain.map(({ certificate }) => certificate).join('\n'))
    writeFileSync(`${name}.key`, leaf.key)
    const tls = `ssl_certificate ${name}.pem; ssl_certificate_key ${name}.key;`
    running.push(await startNginx(`server { listen 127.0.0.1:${at} ssl; ${tls} ${rest} }`, at))
    return at
  }

  const through = (at: number, args: readonly string[] = []) =>
    look('github', ['--ca', 'root.pem', '--url', `https://localhost:${at}`, ...args])
  const pass = () =>
    `location / { proxy_ssl_verify off; proxy_set_header Host $http_host; proxy_pass https://127.0.0.1:${port}; }`

  it('serves its whole chain, and events pass through it', async () => {
    const leaf = await leafOf()
    const found = await through(await front(leaf, [leaf, issuing], pass()))
    expect(found.failed).toEqual([])
    expect(found.fine).toEqual(expect.arrayContaining(['tls.certificate', 'event.accepted', 'event.forged-refused']))
  })

  it('leaves the intermediate out', async () => {
    const leaf = await leafOf()
    const found = await through(await front(leaf, [leaf], pass()))
    expect(found.failed).toEqual(['tls.intermediate-missing'])
  })

  it('serves a certificate that has expired, or names somebody else', async () => {
    const old = await leafOf({ notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - 2 * DAY })
    expect((await through(await front(old, [old, issuing], pass()))).failed).toEqual(['tls.expired'])
    const other = await leafOf({ dns: ['hooks.example.com'] })
    expect((await through(await front(other, [other, issuing], pass()))).failed).toEqual(['tls.name-mismatch'])
  })

  it('serves one that is signed by itself, or by a CA that nobody knows', async () => {
    const self = await craft({ subject: 'CN=self', dns: ['localhost'], usage: [SERVER_AUTH], ...LONG })
    expect((await through(await front(self, [self], pass()))).failed).toEqual(['tls.self-signed'])
  })

  it('redirects', async () => {
    const leaf = await leafOf()
    const found = await through(await front(leaf, [leaf, issuing], 'return 301 https://www.example.com$request_uri;'))
    expect(found.failed).toEqual(['http.redirect'])
    expect(found.of('http.redirect').evidence?.location).toBe('https://www.example.com/hooks/github')
  })

  it('does not reach the gate, or answers itself', async () => {
    const leaf = await leafOf()
    const nowhere = await freePort()
    const down = await front(leaf, [leaf, issuing], `location / { proxy_pass http://127.0.0.1:${nowhere}; }`)
    expect((await through(down)).failed).toEqual(['http.no-gate-behind'])
    const page = await front(leaf, [leaf, issuing], 'location / { return 404; }')
    expect((await through(page)).failed).toEqual(['http.not-the-gate'])
  })

  it('changes the path on the way', async () => {
    const leaf = await leafOf()
    const rest = `location /hooks/ { proxy_ssl_verify off; proxy_set_header Host $http_host; proxy_pass https://127.0.0.1:${port}/; }`
    const found = await through(await front(leaf, [leaf, issuing], rest))
    expect(found.failed).toEqual(['url.path-unmatched'])
  })

  it('speaks old versions of TLS', async () => {
    const leaf = await leafOf()
    const rest = `ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ALL:@SECLEVEL=0; ${pass()}`
    const found = await through(await front(leaf, [leaf, issuing], rest))
    expect(found.of('tls.old-version').evidence?.versions).toContain('TLSv1.1')
  })

  it('shows another certificate to those who name no server', async () => {
    const leaf = await leafOf()
    const other = await leafOf({ dns: ['other.example.com'], subject: 'CN=other' })
    const at = await freePort()
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text)
      return join(folder, name)
    }
    const server = (name: string, { certificate, key }: Crafted, flags: string): string =>
      `server { listen 127.0.0.1:${at} ssl ${flags}; server_name ${name}; ssl_certificate ${file(`${name}.sni.pem`, `${certificate}\n${issuing.certificate}`)}; ssl_certificate_key ${file(`${name}.sni.key`, key)}; ${pass()} }`
    running.push(
      await startNginx(`${server('other.example.com', other, 'default_server')} ${server('localhost', leaf, '')}`, at),
    )
    const found = await through(at)
    expect(found.failed).toEqual([])
    expect(found.of('tls.default-certificate')).toMatchObject({ level: 'warn' })
    expect(found.of('tls.default-certificate').because).toContain('CN=other')
  })

  it('ends TLS in front of a route that wants client certificates', async () => {
    const leaf = await leafOf()
    const at = await front(leaf, [leaf, issuing], pass())
    const found = await look('stripe', ['--ca', 'root.pem', '--url', `https://localhost:${at}`])
    expect(found.failed).toEqual(['client-cert.not-asked'])
    const ca = join(folder, 'other-clients.pem')
    writeFileSync(ca, (await craft({ subject: 'CN=Other clients', ca: true })).certificate)
    const asking = await front(
      leaf,
      [leaf, issuing],
      `ssl_client_certificate ${ca}; ssl_verify_client optional; ${pass()}`,
    )
    const names = await look('stripe', ['--ca', 'root.pem', '--url', `https://localhost:${asking}`])
    expect(names.failed).toEqual(['client-cert.other-names'])
  })
})
