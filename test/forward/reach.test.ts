import type { lookup as resolveName } from 'node:dns'
import { readFileSync, rmSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, isIP } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { AddressGuard, type GuardSettings } from '../../src/forward/address-guard.ts'
import type { Outbound } from '../../src/forward/normalise.ts'
import type { ProxyWay } from '../../src/forward/tunnel.ts'
import { type Reach, Upstream, type UpstreamResult } from '../../src/forward/upstream.ts'
import { loadClientTls } from '../../src/tls/client.ts'
import { makeCertificates, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { startHttpProxy, startSocksProxy, type TestProxy } from '../support/proxies.ts'

const folder = tempFolder()
const open: (() => void)[] = []
beforeAll(() => makeCertificates(folder), 30_000)
afterEach(() => {
  for (const close of open.splice(0)) close()
})
afterAll(() => rmSync(folder, { recursive: true }))

const get: Outbound = { id: '1', method: 'GET', path: '/', headers: [], body: undefined }
const LARGE = 4 * 1024 * 1024

const answer: RequestListener = (req, res) => {
  if (req.url === '/large') res.end(Buffer.alloc(LARGE, 'x'))
  else res.end(`${req.socket.remoteAddress} ${req.headers.host}`)
}
async function serve(secure: boolean, host = '127.0.0.1'): Promise<number> {
  const file = (name: string) => readFileSync(join(folder, name))
  const server = secure
    ? createTlsServer({ cert: file('server.crt'), key: file('server.key') }, answer)
    : createServer(answer)
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  open.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}
function to(url: string, reach: Reach): Upstream {
  const upstream = new Upstream(url, { connect: 1_000, response: 5_000 }, reach)
  open.push(() => upstream.destroy())
  return upstream
}
const text = (result: UpstreamResult) =>
  result.ok ? `${result.status} ${result.body}` : `${result.code} ${result.message}`
const tls = () =>
  loadClientTls(
    { ca: 'ca.crt', 'min-version': 'TLSv1.2' },
    {
      file: path => readFileSync(join(folder, path)),
      secret: () => new Secret(Buffer.alloc(0)),
      expires: () => undefined,
    },
  )

describe('a local address', () => {
  it('is the one that the upstream sees', async () => {
    const port = await serve(false)
    expect(text(await to(`http://127.0.0.1:${port}`, { localAddress: '127.0.0.7' }).send(get))).toMatch(
      /^200 127\.0\.0\.7 /,
    )
    // A name with addresses of both families: the one of the other family is not tried.
    expect(text(await to(`http://localhost:${port}`, { localAddress: '127.0.0.8' }).send(get))).toMatch(
      /^200 127\.0\.0\.8 /,
    )
    const secure = await serve(true)
    expect(text(await to(`https://localhost:${secure}`, { localAddress: '127.0.0.9', tls: tls() }).send(get))).toMatch(
      /^200 127\.0\.0\.9 /,
    )
  })

  it('that is not of this host is said', async () => {
    const port = await serve(false)
    expect(text(await to(`http://127.0.0.1:${port}`, { localAddress: '192.0.2.1' }).send(get))).toMatch(
      /^forward\.unreachable.*EADDRNOTAVAIL|EINVAL/,
    )
  })
})

const PASSWORD = 'proxy-password'
describe.each<['http' | 'socks5', () => Promise<TestProxy>, () => Promise<TestProxy>]>([
  ['http', () => startHttpProxy(), () => startHttpProxy()],
  ['socks5', () => startSocksProxy(), () => startSocksProxy(PASSWORD)],
])('a proxy, %s', (kind, start, startLocked) => {
  const way = (proxy: TestProxy, password?: string): ProxyWay => ({
    kind,
    host: '127.0.0.1',
    port: proxy.port,
    username: 'crm',
    password: password === undefined ? undefined : new Secret(Buffer.from(password)),
  })
  const started = async (make: () => Promise<TestProxy>): Promise<TestProxy> => {
    const proxy = await make()
    open.push(() => proxy.close())
    return proxy
  }

  it.each([false, true])('is gone through, TLS %s, and its connection kept', async secure => {
    const port = await serve(secure)
    const proxy = await started(start)
    const upstream = to(`http${secure ? 's' : ''}://localhost:${port}`, {
      proxy: way(proxy),
      tls: secure ? tls() : undefined,
    })
    for (let i = 0; i < 3; i++) expect(text(await upstream.send(get))).toMatch(new RegExp(`^200 .*localhost:${port}$`))
    expect(proxy.asked).toEqual([`localhost:${port}`])
    const large = await upstream.send({ ...get, path: '/large' })
    expect(large.ok && large.body instanceof Readable && (await buffer(large.body)).length).toBe(LARGE)
    const body = Buffer.alloc(300_000, 'y')
    expect(text(await upstream.send({ ...get, method: 'POST', body }))).toMatch(/^200/)
  })

  it('verifies the upstream behind it', async () => {
    const port = await serve(true)
    const proxy = await started(start)
    const upstream = to(`https://localhost:${port}`, { proxy: way(proxy) })
    expect(text(await upstream.send(get))).toMatch(/^forward\.unreachable.*(verify|self.signed)/i)
  })

  it('is told user and password, which no message holds', async () => {
    const port = await serve(false)
    const proxy = await started(startLocked)
    expect(text(await to(`http://localhost:${port}`, { proxy: way(proxy, PASSWORD) }).send(get))).toMatch(/^200/)
    if (kind === 'http') {
      expect(proxy.asked[0]).toBe(`localhost:${port} Basic ${Buffer.from(`crm:${PASSWORD}`).toString('base64')}`)
      return
    }
    const wrong = text(await to(`http://localhost:${port}`, { proxy: way(proxy, 'other-password') }).send(get))
    expect(wrong).toMatch(/^forward\.unreachable.*does not take the user name/)
    expect(wrong).not.toContain('other-password')
    const none = to(`http://localhost:${port}`, { proxy: way(proxy) })
    expect(text(await none.send(get))).toMatch(/no such authentication/)
  })

  it('that is not there, or refuses, is said; nothing was sent', async () => {
    const refusing = await started(
      kind === 'http' ? () => startHttpProxy('HTTP/1.1 407 No\r\n\r\n') : () => startSocksProxy(undefined, 2),
    )
    const said = await to('http://localhost:1', { proxy: way(refusing) }).send(get)
    expect(said).toMatchObject({ ok: false, code: 'forward.unreachable', unsent: true })
    expect(text(said)).toMatch(/answered 407|not allowed by its rules/)
    const nobody = await to('http://localhost:1', { proxy: { ...way(refusing), port: await freePort() } }).send(get)
    expect(text(nobody)).toMatch(/^forward\.unreachable.*ECONNREFUSED/)
  })

  it.each(['SSH-2.0-OpenSSH_9.2\r\n\r\n', 'HTTP/1.1 200 OK\r\n\r\nmore', 'x'.repeat(20_000), ''])(
    'that answers %.20j opens no way',
    async words => {
      const odd = await started(() => startHttpProxy(words))
      const result = await to('http://localhost:1', { proxy: way(odd) }).send(get)
      expect(text(result)).toMatch(/^forward\.(unreachable|timeout)/)
    },
  )
})

/** A resolver that answers as it is told. */
const resolver = (...addresses: string[]): typeof resolveName =>
  ((_name: string, _options: unknown, done: (error: null, found: object[]) => void) =>
    process.nextTick(() =>
      done(
        null,
        addresses.map(address => ({ address, family: isIP(address) })),
      ),
    )) as unknown as typeof resolveName

function judge(name: string, addresses: string[], settings: Partial<GuardSettings> = {}): Promise<readonly string[]> {
  const guard = new AddressGuard({ strict: true, allow: [], ...settings }, resolver(...addresses))
  return new Promise(resolve =>
    guard.lookup(name, { all: true }, (error, found) =>
      resolve(error || typeof found === 'string' ? [] : found.map(({ address }) => address)),
    ),
  )
}

describe('the guard of addresses', () => {
  it.each([
    ...['127.0.0.1', '127.9.9.9', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1', '100.64.0.1'],
    ...[
      '169.254.169.254',
      '100.100.100.200',
      '168.63.129.16',
      '0.0.0.0',
      '192.0.0.8',
      '198.18.0.1',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...[
      '::1',
      '::',
      'fe80::1',
      'fc00::1',
      'fd00:ec2::254',
      'ff02::1',
      '::ffff:127.0.0.1',
      '::ffff:10.0.0.1',
      '::127.0.0.1',
    ],
    ...[
      '64:ff9b::7f00:1',
      '64:ff9b::a00:1',
      '64:ff9b::a9fe:a9fe',
      '2002:7f00:1::',
      '2002:c0a8:101::1',
      '2001:0::1',
      '64:ff9b:1::1',
      'fe80::1%lo',
    ],
  ])('ups-010: hands out no %s for a name of the internet', async address => {
    expect(await judge('api.example', [address])).toEqual([])
    expect(await judge('api.example', [address, '93.184.215.14'])).toEqual(['93.184.215.14'])
  })

  it.each([
    '93.184.215.14',
    '2606:2800:21f:cb07:6820:80da:af6b:8b2c',
    '64:ff9b::5db8:d70e',
    '172.32.0.1',
    '169.253.0.1',
  ])('hands out %s', async address => {
    expect(await judge('api.example', [address])).toEqual([address])
  })

  it('allows what is named, and localhost', async () => {
    expect(await judge('localhost', ['127.0.0.1', '::1', '10.0.0.1'])).toEqual(['127.0.0.1', '::1'])
    expect(await judge('api.localhost', ['127.0.0.1'])).toEqual(['127.0.0.1'])
    expect(await judge('localhost.example', ['127.0.0.1'])).toEqual([])
    expect(await judge('CRM.internal', ['10.0.0.1'], { allow: ['crm.internal'] })).toEqual(['10.0.0.1'])
    expect(await judge('crm.internal.example', ['10.0.0.1'], { allow: ['crm.internal'] })).toEqual([])
    expect(await judge('x.example', ['10.0.0.1', '10.1.0.1'], { allow: ['10.0.0.0/16'] })).toEqual(['10.0.0.1'])
  })

  it('lets the CRM be anywhere in the own networks, but not at the metadata of a cloud', async () => {
    const own = { strict: false }
    expect(await judge('crm', ['172.18.0.2', '127.0.0.1', 'fd00::1'], own)).toEqual([
      '172.18.0.2',
      '127.0.0.1',
      'fd00::1',
    ])
    expect(await judge('crm', ['169.254.169.254', 'fe80::1', '0.0.0.0'], own)).toEqual([])
  })

  it('ups-010: is asked once for a connection, which goes to what was handed out', async () => {
    const port = await serve(false)
    let asked = 0
    const changing = ((name: string, options: object, done: (error: null, found: object[]) => void) => {
      asked++
      resolver(asked === 1 ? '127.0.0.1' : '169.254.169.254')(name, options as never, done as never)
    }) as unknown as typeof resolveName
    const guard = new AddressGuard({ strict: true, allow: ['127.0.0.0/8'] }, changing)
    const upstream = to(`http://rebound.example:${port}`, { lookup: guard.lookup })
    expect(text(await upstream.send(get))).toBe(`200 127.0.0.1 rebound.example:${port}`)
    expect(asked).toBe(1)
    const second = await to(`http://rebound.example:${port}`, { lookup: guard.lookup }).send(get)
    expect(second).toMatchObject({ ok: false, code: 'forward.address', unsent: true })
    expect(text(second)).toMatch(/rebound\.example stands for 169\.254\.169\.254/)
  })

  it('asks nobody about an address that stands in the config', async () => {
    const port = await serve(false)
    const guard = new AddressGuard({ strict: true, allow: [] }, resolver())
    expect(text(await to(`http://127.0.0.1:${port}`, { lookup: guard.lookup }).send(get))).toMatch(/^200/)
  })
})
