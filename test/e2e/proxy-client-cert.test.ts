import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, type Reply } from '../support/client.ts'
import { makeCertificates, type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { hasProgram } from '../support/programs.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const nginx = await hasProgram('nginx', '-v')

let gate: RunningGate
let upstream: TestUpstream
const folder = tempFolder()
const file = (name: string): string => join(folder, name)
const pem = (name: string): string => readFileSync(file(name), 'utf8')

const listener = (name: string, setting: string, more = ''): string => `
  - name: ${name}
    bind: 127.0.0.1:0
    trusted-proxies: [127.0.0.1]
    proxy-client-cert: { ${setting}, client-ca: clients-ca.crt, client-crl: clients.crl }${more}`

beforeAll(async () => {
  await makeCertificates(folder)
  await makeCertificates(join(folder, 'other'))
  for (const name of ['leaver', 'bank']) {
    const made = await sallyport(['certs', 'client', '--dir', folder, '--name', name, '--dns', `${name}.example`])
    expect(made.code, made.stderr).toBe(0)
  }
  expect((await sallyport(['certs', 'revoke', '--dir', folder, file('leaver.crt')])).code).toBe(0)
  upstream = await startUpstream()
  const mutual = '\n    tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients-ca.crt }'
  gate = await startGate(
    `
listeners:${listener('rfc9440', 'format: rfc9440')}${listener('xfcc', 'format: xfcc')}${listener('pem', 'format: escaped-pem')}${listener('named', 'format: escaped-pem, header: X-Amzn-Mtls-Clientcert-Leaf')}${listener('mutual', 'format: rfc9440', mutual)}
routes:
  - { name: any, match: { path: /any }, checks: [{ client-cert: {} }], forward: { to: "${upstream.url}/any", client-cert-header: true } }
  - name: bank
    match: { path: /bank }
    checks: [{ client-cert: { allow: [{ dns: bank.example }] } }]
    forward: { to: "${upstream.url}/bank" }
`,
    {},
    folder,
    5,
  )
}, 40_000)
afterAll(async () => {
  await upstream.close()
  expect(await gate.stop(), gate.stderr()).toBe(0)
}, 40_000)

const JSON_TYPE = { 'content-type': 'application/json' }
const send = (on: string, headers: Record<string, string>, more: object = {}): Promise<Reply> =>
  ask({
    port: gate.port(on),
    path: '/bank',
    body: '{}',
    ...more,
    headers: { ...JSON_TYPE, host: 'localhost', ...headers },
  })
const verdict = ({ status, code }: Reply): string => `${status} ${code}`.trim()

const sequence = (text: string): string => `:${new X509Certificate(text).raw.toString('base64')}:`
const escaped = (text: string): string => encodeURIComponent(text)

const FORMS: readonly (readonly [on: string, field: string, write: (certificate: string) => string])[] = [
  ['rfc9440', 'Client-Cert', sequence],
  [
    'xfcc',
    'X-Forwarded-Client-Cert',
    text => `By=spiffe://gate;Hash=00;Cert="${escaped(text)}";Subject="CN=a\\"b,c";URI=`,
  ],
  ['xfcc', 'x-forwarded-client-cert', text => `Chain="${escaped(text)}"`],
  ['pem', 'X-SSL-Client-Cert', escaped],
  // AWS leaves out the escapes of "+", "=" and "/".
  [
    'named',
    'X-Amzn-Mtls-Clientcert-Leaf',
    text => escaped(text).replaceAll('%2B', '+').replaceAll('%2F', '/').replaceAll('%3D', '='),
  ],
]

describe.each(FORMS)('a client certificate that a proxy carries: %s in %s', (on, field, write) => {
  it('is judged by the CAs, the CRL and the route', async () => {
    const sent = async (name: string): Promise<string> => verdict(await send(on, { [field]: write(pem(name)) }))
    expect(await sent('bank.crt')).toBe('200')
    expect(upstream.received.at(-1)?.headers['sallyport-principal']).toBe('client-cert:bank.example')
    expect(await sent('client.crt')).toBe('403 client-cert.not-allowed')
    expect(await sent('leaver.crt')).toBe('403 client-cert.untrusted')
    expect(await sent('other/client.crt')).toBe('403 client-cert.untrusted')
    expect(await sent('server.crt')).toBe('403 client-cert.untrusted')
    expect(verdict(await send(on, {}))).toBe('401 client-cert.missing')
  })

  it('is nobody else’s to write', async () => {
    const before = upstream.received.length
    const headers = { [field]: write(pem('bank.crt')) }
    expect(verdict(await send(on, headers, { localAddress: '127.0.0.2' }))).toBe('401 client-cert.missing')
    expect(upstream.received.length).toBe(before)
  })

  it('reaches the upstream only as the gate writes it', async () => {
    const headers = { [field]: write(pem('bank.crt')) }
    expect(verdict(await send(on, headers, { path: '/any' }))).toBe('200')
    const seen = upstream.received.at(-1)?.rawHeaders ?? []
    const names = seen.filter((_, index) => index % 2 === 0).map(name => name.toLowerCase())
    expect(names.filter(name => name === 'client-cert')).toHaveLength(1)
    expect(names).not.toContain(field.toLowerCase() === 'client-cert' ? '' : field.toLowerCase())
    expect(seen[names.indexOf('client-cert') * 2 + 1]).toBe(sequence(pem('bank.crt')))
  })
})

it.each([
  ['rfc9440', 'client-cert', 'not a sequence'],
  ['rfc9440', 'client-cert', ':!!!:'],
  ['rfc9440', 'client-cert', '::'],
  ['pem', 'x-ssl-client-cert', '%zz'],
  ['pem', 'x-ssl-client-cert', 'text'],
  ['xfcc', 'x-forwarded-client-cert', 'Hash=00;URI=spiffe://bank.example/webhooks'],
  ['xfcc', 'x-forwarded-client-cert', 'Cert="%zz"'],
  ['xfcc', 'x-forwarded-client-cert', 'Cert="a'],
])('on %s %s: %s is refused', async (on, field, value) => {
  expect(verdict(await send(on, { [field]: value }))).toBe('400 request.malformed')
})

it('of two elements or two lines is refused: one of them may be a stranger’s', async () => {
  const cert = `Cert="${escaped(pem('bank.crt'))}"`
  expect(verdict(await send('xfcc', { 'x-forwarded-client-cert': `${cert},${cert}` }))).toBe('400 request.malformed')
  const twice = ['X-SSL-Client-Cert', escaped(pem('bank.crt')), 'X-SSL-Client-Cert', escaped(pem('bank.crt'))]
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = ['Host', 'x', 'Content-Type', 'application/json', 'Content-Length', '2', ...twice]
    const sent = request({ port: gate.port('pem'), host: '127.0.0.1', path: '/bank', method: 'POST', headers }, reply =>
      resolve(reply.resume().statusCode),
    )
    sent.on('error', reject).end('{}')
  })
  expect(status).toBe(400)
})

it('a proxy’s own certificate is not its client’s', async () => {
  const tls = { ca: pem('ca.crt'), cert: pem('bank.crt'), key: pem('bank.key') }
  expect(verdict(await send('mutual', {}, { tls }))).toBe('401 client-cert.missing')
  expect(verdict(await send('mutual', { 'client-cert': sequence(pem('client.crt')) }, { tls }))).toBe(
    '403 client-cert.not-allowed',
  )
  // Anyone else comes with his own.
  expect(verdict(await send('mutual', {}, { tls, localAddress: '127.0.0.2' }))).toBe('200')
})

it.skipIf(!nginx)('nginx’s is taken as it writes it', async () => {
  const port = await freePort()
  const proxy = await startNginx(
    `server {
  listen 127.0.0.1:${port} ssl;
  ssl_certificate ${file('server.crt')};
  ssl_certificate_key ${file('server.key')};
  ssl_verify_client optional_no_ca;
  location / {
    proxy_set_header X-SSL-Client-Cert $ssl_client_escaped_cert;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_pass http://127.0.0.1:${gate.port('pem')};
  }
}`,
    port,
  )
  try {
    const by = (name?: string, forged: Record<string, string> = {}): Promise<Reply> =>
      ask({
        port,
        path: '/bank',
        body: '{}',
        headers: { ...JSON_TYPE, ...forged },
        tls: { ca: pem('ca.crt'), ...(name ? { cert: pem(`${name}.crt`), key: pem(`${name}.key`) } : {}) },
      })
    expect(verdict(await by('bank'))).toBe('200')
    expect(verdict(await by('leaver'))).toBe('403 client-cert.untrusted')
    expect(verdict(await by('other/client'))).toBe('403 client-cert.untrusted')
    expect(verdict(await by(undefined, { 'x-ssl-client-cert': escaped(pem('bank.crt')) }))).toBe(
      '401 client-cert.missing',
    )
  } finally {
    await proxy.stop()
  }
})
