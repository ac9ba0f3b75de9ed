import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { makeCertificates, type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { startSServer } from '../support/s-server.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

describe('explain, of an upstream that gives no answer', () => {
  const folder = tempFolder()
  const stops: (() => unknown)[] = []
  let plain: TestUpstream
  let gate: RunningGate

  beforeAll(async () => {
    await makeCertificates(folder)
    const file = (name: string) => join(folder, name)
    const identity = ['-cert', file('server.crt'), '-key', file('server.key')]
    const asks = [...identity, '-CAfile', file('clients-ca.crt'), '-Verify', '2', '-verify_return_error']
    plain = await startUpstream((_req, res) => void res.destroy())
    const modern = await startSServer(asks)
    const older = await startSServer([...asks, '-tls1_2'])
    const own = createServer({ cert: readFileSync(file('server.crt')), key: readFileSync(file('server.key')) })
    await new Promise<void>(resolve => own.listen(0, '127.0.0.1', resolve))
    const port = (own.address() as AddressInfo).port
    stops.push(
      () => plain.close(),
      () => modern.stop(),
      () => older.stop(),
      () => own.close(),
    )
    const route = (name: string, to: string, more = '') => `
  - name: ${name}
    match: { path: /${name}, methods: [GET] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "${to}/in"${more} }`
    const https = (name: string, at: number, tls: string) => route(name, `https://localhost:${at}`, `, tls: { ${tls} }`)
    const closed = `http://127.0.0.1:${await freePort()}`
    gate = await startGate(
      `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:0" }
routes:${[
        route('closed', closed),
        route('cut', plain.url),
        https('no-certificate', modern.port, 'ca: ca.crt'),
        https('no-certificate-1-2', older.port, 'ca: ca.crt'),
        https('not-tls', plain.port, 'ca: ca.crt'),
        https('untrusted', port, 'ca: clients-ca.crt'),
        https('other-name', port, 'ca: ca.crt, server-name: api.bank.example'),
        https('other-key', port, `ca: ca.crt, pins: [${'0a'.repeat(32)}]`),
        route(
          'no-token',
          plain.url,
          `, authenticate: { oauth2: { token-url: "${closed}/token", client-id: a, client-secret: { env: SECRET } } }`,
        ),
      ].join('')}
`,
      { SECRET: 'a-client-secret' },
      folder,
      2,
    )
  }, 30_000)
  afterAll(async () => {
    expect(await gate.stop()).toBe(0)
    for (const stop of stops) await stop()
  }, 30_000)

  it.each([
    ['closed', /nothing listens/, /see that it runs/i],
    ['cut', /closed before the whole answer/, /its log/],
    ['no-certificate', /wants a client certificate/, /add tls\.certificate to forward/i],
    ['no-certificate-1-2', /want of a client certificate/, /add tls\.certificate to forward/],
    ['not-tls', /does not speak TLS/, /http:\/\//],
    ['untrusted', /CA that the gate does not trust|its CA is not known/, /tls\.ca/],
    ['other-name', /for another name/, /tls\.server-name/],
    ['other-key', /none that tls\.pins names/, /add the new pin/],
    ['no-token', /of the token endpoint: nothing listens/, /mend the URL/],
  ])('tells why and what mends it: %s', async (name, because, mend) => {
    expect((await ask({ port: gate.port('crm-side'), path: `/${name}`, method: 'GET' })).status).toBe(502)
    const line = await gate.line(each => each.route === name && typeof each.code === 'string')
    // The library's place in its own source tells nobody anything.
    expect(JSON.stringify(line.evidence)).not.toMatch(/:error:|\.c:\d+|\\n/)
    const admin = `http://127.0.0.1:${gate.port('admin')}`
    const { stdout, stderr } = await sallyport(['explain', String(line['request-id']), '--admin', admin])
    expect(stderr).toBe('')
    const forward = stdout.slice(stdout.indexOf('forward'))
    expect(/because +(.*)/.exec(forward)?.[1]).toMatch(because)
    expect(/mend +(.*)/.exec(forward)?.[1]).toMatch(mend)
  })
})
