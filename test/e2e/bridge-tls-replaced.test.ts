import { copyFileSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, type Reply } from '../support/client.ts'
import { type LogLine, type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { type RunningNginx, startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { openssl } from '../tls/craft.ts'

const DAY = 86_400

describe.each([1, 2])('the files of a bridge that are replaced one after the other, with %i workers', workers => {
  const folder = tempFolder()
  const file = (name: string): string => join(folder, name)
  let nginx: RunningNginx
  let gate: RunningGate
  let config: (allowed?: string) => string

  /** As a whole: of a file that is being written, half is another one. */
  const put = (from: string, to: string): void => {
    copyFileSync(file(from), file('next'))
    renameSync(file('next'), file(to))
  }
  const write = (content: string | Buffer, to: string): void => {
    writeFileSync(file('next'), content)
    renameSync(file('next'), file(to))
  }
  const sign = async (name: string, days: number): Promise<void> => {
    const ca = name === 'ca'
    const subject = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`]
    const extension = ca ? 'basicConstraints=critical,CA:TRUE' : 'subjectAltName=DNS:localhost'
    const issuer = ca ? [] : ['-CA', file('ca.crt'), '-CAkey', file('ca.key')]
    const out = ['-addext', extension, '-keyout', file(`${name}.key`), '-out', file(`${name}.crt`)]
    await openssl(['req', '-x509', ...subject, '-days', `${days}`, ...issuer, ...out])
  }
  const send = (route: string): Promise<Reply> =>
    ask({
      port: gate.port('crm-side'),
      path: `/${route}/x`,
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
  const shown = async (route = 'bank') => {
    const { status, body } = await send(route)
    return `${status} ${body}`
  }
  const kept = (): readonly LogLine[] => gate.lines.filter(({ msg }) => msg === 'tls kept')
  const ofAdmin = (path: string, method: string) => {
    const headers = { authorization: 'Bearer of-a-test', 'content-type': 'application/json' }
    return ask({ port: gate.port('admin'), path, method, headers })
  }
  const metrics = async () => (await ofAdmin('/metrics', 'GET')).body
  const daysLeft = async (name: string) => {
    const line = (await metrics())
      .split('\n')
      .find(each => each.startsWith(`sallyport_expires_seconds{kind="certificate",name="${name}"}`))
    return Math.round(Number(line?.split(' ').at(-1)) / DAY)
  }
  /** Does something to the files and waits until it has been taken. Requests go on meanwhile; gives what became of them. */
  const during = async (change: () => void): Promise<ReadonlySet<string>> => {
    const seen: string[] = []
    let stop = false
    const knocking = [1, 2, 3].map(async () => {
      while (!stop) seen.push(await shown().catch(String))
    })
    const taken = gate.next(({ msg }) => msg === 'reloaded')
    change()
    await taken
    const before = seen.length
    while (seen.length < before + 20) await shown()
    stop = true
    await Promise.all(knocking)
    return new Set(seen)
  }

  beforeAll(async () => {
    await sign('ca', 300)
    await sign('server', 200)
    await Promise.all([sign('old', 100), sign('new', 150)])
    const p12 = (name: string, to: string) =>
      openssl([
        'pkcs12',
        '-export',
        '-in',
        file(`${name}.crt`),
        '-inkey',
        file(`${name}.key`),
        '-passout',
        'pass:word',
        '-out',
        file(to),
      ])
    await Promise.all([p12('old', 'bundle.p12'), p12('new', 'new.p12')])
    put('old.crt', 'bridge.crt')
    put('old.key', 'bridge.key')
    put('ca.crt', 'trusted.crt')
    const port = await freePort()
    nginx = await startNginx(
      `server {
        listen 127.0.0.1:${port} ssl;
        ssl_certificate ${file('server.crt')};
        ssl_certificate_key ${file('server.key')};
        ssl_client_certificate ${file('ca.crt')};
        ssl_verify_client on;
        location / { default_type text/plain; return 200 $ssl_client_s_dn; }
      }`,
      port,
    )
    const route = (name: string, certificate: string, allowed = '127.0.0.1') => `
  - name: ${name}
    match: { path-prefix: /${name}/ }
    checks: [{ source-ip: { allow: [${allowed}] } }]
    forward:
      to: https://localhost:${port}/
      tls: { certificate: ${certificate}, ca: trusted.crt }`
    config = (allowed = '192.0.2.1') => `workers: ${workers}
listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:0", token: { env: ADMIN_TOKEN } }
routes:${route('bank', '{ cert: bridge.crt, key: bridge.key }')}${route('bundled', '{ pkcs12: bundle.p12, passphrase: { env: PASSPHRASE } }')}${route('barred', '{ cert: bridge.crt, key: bridge.key }', allowed)}
`
    gate = await startGate(config(), { PASSPHRASE: 'word', ADMIN_TOKEN: 'of-a-test' }, folder, 2)
  }, 60_000)
  afterAll(async () => {
    await nginx.stop()
    expect(await gate.stop()).toBe(0)
  }, 60_000)

  it('go on with the old pair until the new one is whole, and no request is refused or dropped', async () => {
    expect(await shown()).toBe('200 CN=old')
    expect(await during(() => put('new.crt', 'bridge.crt'))).toEqual(new Set(['200 CN=old']))
    // One line for each route, and not for each worker.
    expect(kept()).toMatchObject([
      {
        level: 'warn',
        route: 'bank',
        problem: 'bridge.key is not the key of bridge.crt: their public keys differ',
        remedy: expect.stringMatching(
          /^The route goes on with the certificate, key and CAs that it had\. .*issued together/,
        ),
      },
      { route: 'barred' },
    ])
    expect(gate.lines.filter(({ msg }) => msg === 'route offline')).toEqual([])
    expect(await daysLeft('bridge.crt')).toBe(100)
    expect(await metrics()).toContain('sallyport_route_online{route="bank"} 1')
    const { code, stderr } = await sallyport(['check', '--strict', file('gate.yaml')], {
      PASSPHRASE: 'word',
      ADMIN_TOKEN: 'of-a-test',
    })
    expect([code, stderr]).toEqual([1, expect.stringContaining('bridge.key is not the key of bridge.crt')])

    const after = await during(() => put('new.key', 'bridge.key'))
    // Those under way as it changed over ended on the old connections.
    expect([...after].sort()).toEqual(['200 CN=new', '200 CN=old'])
    expect(await shown()).toBe('200 CN=new')
    expect(await daysLeft('bridge.crt')).toBe(150)
    expect(kept()).toHaveLength(2)
  }, 60_000)

  it.each([
    [
      'a certificate that is half written',
      () => write(readFileSync(file('old.crt')).subarray(0, 200), 'bridge.crt'),
      'holds no certificate',
    ],
    [
      'a key that can not be read',
      () => write('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'bridge.key'),
      'holds no private key',
    ],
    ['CAs that can not be read', () => write('', 'trusted.crt'), 'trusted.crt holds no certificate'],
  ])(
    'go on with the old over %s',
    async (_what, spoil, problem) => {
      const before = kept().length
      expect(await during(spoil)).toEqual(new Set(['200 CN=new']))
      const bank = kept()
        .slice(before)
        .filter(({ route }) => route === 'bank')
      expect(bank).toMatchObject([{ problem: expect.stringContaining(problem) }])
      expect(await shown('bundled')).toBe('200 CN=old')
      // Another config that names the same files leaves them in force as well.
      expect(await gate.reload(`${config()}# changed\n`)).toMatchObject({ msg: 'reloaded' })
      expect(await shown()).toBe('200 CN=new')
      const mended = gate.next(({ msg }) => msg === 'reloaded')
      put('new.crt', 'bridge.crt')
      put('new.key', 'bridge.key')
      put('ca.crt', 'trusted.crt')
      await mended
    },
    60_000,
  )

  it('go on with the old bundle over one that can not be opened', async () => {
    await during(() => write('no bundle', 'bundle.p12'))
    expect(kept().at(-1)).toMatchObject({ route: 'bundled', problem: expect.stringContaining('bundle.p12') })
    expect(await shown('bundled')).toBe('200 CN=old')
    await during(() => put('new.p12', 'bundle.p12'))
    expect(await shown('bundled')).toBe('200 CN=new')
  }, 60_000)

  it('serve what is sent again as well, by the clock of now and of then', async () => {
    const refused = await send('barred')
    expect(refused.code).toBe('source-ip.outside')
    const id = String(refused.headers['x-request-id'])
    await during(() => put('old.crt', 'bridge.crt'))
    expect(await gate.reload(config('127.0.0.1'))).toMatchObject({ msg: 'reloaded' })
    for (const at of ['now', 'received']) {
      const sent = await ofAdmin(`/api/captures/${id}/send?at=${at}`, 'POST')
      expect(JSON.parse(sent.body)).toMatchObject({ outcome: 'forwarded', status: 200 })
    }
    await during(() => put('new.crt', 'bridge.crt'))
  }, 60_000)

  it('take the route offline where one is missing, and where there are none of before to go on with', async () => {
    await during(() => rmSync(file('bridge.key')))
    expect((await send('bank')).code).toBe('route.offline')
    const before = kept().length
    await during(() => put('old.key', 'bridge.key'))
    expect((await send('bank')).code).toBe('route.offline')
    expect(kept()).toHaveLength(before)
    await during(() => put('new.key', 'bridge.key'))
    expect(await shown()).toBe('200 CN=new')
  }, 60_000)

  it('are not gone on with by a route of other settings', async () => {
    put('old.key', 'stray.key')
    const stray = config().replace('key: bridge.key', 'key: stray.key')
    expect(await gate.reload(stray)).toMatchObject({ msg: 'reloaded' })
    expect((await send('bank')).code).toBe('route.offline')
  }, 60_000)
})
