import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask, speak } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'

const MIB = 1024 * 1024
/** Mebibytes each way; 1024 take some ten seconds. */
const STREAMED = Number(process.env.SALLYPORT_STREAMED_MIB ?? 192)
/** Mebibytes of growth that are allowed. */
const GROWTH = 32

describe('a route that streams', () => {
  let gate: RunningGate
  const sockets = new Set<Socket>()
  let answer: (req: IncomingMessage, res: ServerResponse) => void = (req, res) => void req.pipe(res)
  const upstream = createServer((req, res) => answer(req, res))
  const seen: IncomingMessage[] = []

  beforeAll(async () => {
    upstream.on('request', req => seen.push(req))
    upstream.on('connection', socket => sockets.add(socket.on('error', () => undefined)))
    await new Promise<void>(resolve => upstream.listen(0, '127.0.0.1', resolve))
    const { port } = upstream.address() as AddressInfo
    gate = await startGate(`
listeners: [{ name: crm-side, bind: "127.0.0.1:0", limits: { request: 5m } }]
routes:
  - name: files
    match: { path-prefix: /files/, methods: [GET, HEAD, PUT, POST, DELETE] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: "http://127.0.0.1:${port}/files/", stream: true, timeout: { response: 1s } }
  - name: capped
    match: { path-prefix: /capped/, methods: [PUT] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }, { body-limit: { max: 1MiB } }]
    forward: { to: "http://127.0.0.1:${port}/capped/", stream: true, timeout: { response: 1s } }
`)
  }, 30_000)
  afterAll(async () => {
    upstream.close()
    upstream.closeAllConnections()
    expect(await gate.stop()).toBe(0)
  }, 40_000)

  const put = (path: string, headers: Record<string, string>, method = 'PUT') =>
    request({ port: gate.port('crm-side'), host: '127.0.0.1', method, path, headers, agent: false })

  it(`passes ${STREAMED} MiB each way and grows by less than ${GROWTH} MiB`, async () => {
    const block = randomBytes(MIB)
    let received = 0
    const uploaded = createHash('sha256')
    answer = (req, res) => {
      req.on('data', (chunk: Buffer) => {
        received += chunk.length
        uploaded.update(chunk)
      })
      req.on('end', () => res.end('{}'))
    }
    await ask({ port: gate.port('crm-side'), path: '/files/warm', method: 'PUT', body: Buffer.alloc(4 * MIB) })
    received = 0
    const sent = createHash('sha256')
    const before = gate.memory()
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, gate.memory())
    }, 20)
    const upload = put('/files/up', { 'content-type': 'application/octet-stream' })
    const done = new Promise<number>((resolve, reject) => {
      upload.on('response', res => res.resume().on('end', () => resolve(res.statusCode ?? 0)))
      upload.on('error', reject)
    })
    for (let i = 0; i < STREAMED; i++) {
      sent.update(block)
      if (!upload.write(block)) await new Promise(resolve => upload.once('drain', resolve))
    }
    upload.end()
    expect(await done).toBe(200)
    expect(received).toBe(STREAMED * MIB)

    answer = async (_req, res) => {
      res.writeHead(200, { 'content-length': STREAMED * MIB, 'content-type': 'application/octet-stream' })
      for (let i = 0; i < STREAMED; i++) if (!res.write(block)) await new Promise(resolve => res.once('drain', resolve))
      res.end()
    }
    const down = createHash('sha256')
    let bytes = 0
    const length = await new Promise<string | undefined>((resolve, reject) => {
      put('/files/down', {}, 'GET')
        .on('response', res => {
          res.on('data', (chunk: Buffer) => {
            bytes += chunk.length
            down.update(chunk)
          })
          res.on('end', () => resolve(res.headers['content-length']))
        })
        .on('error', reject)
        .end()
    })
    clearInterval(watch)
    expect([bytes, length]).toEqual([STREAMED * MIB, String(STREAMED * MIB)])
    expect(down.digest('hex')).toBe(sent.digest('hex'))
    expect((most - before) / 1024).toBeLessThan(GROWTH)
  }, 300_000)

  it('passes type, coding and framing on, of any body', async () => {
    answer = (req, res) => {
      res.writeHead(200, { 'content-type': 'image/png', 'content-encoding': 'br' })
      req.pipe(res)
    }
    const body = randomBytes(1000)
    for (const chunked of [false, true]) {
      const headers = {
        'content-type': 'image/png',
        'content-encoding': 'gzip',
        ...(chunked ? { 'transfer-encoding': 'chunked' } : {}),
      }
      for (const method of ['PUT', 'DELETE']) {
        const upload = put('/files/x', { ...headers, ...(chunked ? {} : { 'content-length': '1000' }) }, method)
        const got = await new Promise<{ type: string | undefined; body: Buffer }>((resolve, reject) => {
          upload.on('error', reject).on('response', res => {
            const chunks: Buffer[] = []
            res.on('data', chunk => chunks.push(chunk))
            res.on('end', () => resolve({ type: res.headers['content-type'], body: Buffer.concat(chunks) }))
          })
          upload.end(body)
        })
        expect([got.type, got.body.equals(body)]).toEqual(['image/png', true])
        expect(seen.at(-1)?.headers).toMatchObject({ 'content-type': 'image/png', 'content-encoding': 'gzip' })
        expect(seen.at(-1)?.headers[chunked ? 'transfer-encoding' : 'content-length']).toBe(
          chunked ? 'chunked' : '1000',
        )
      }
    }
    const { headers } = await ask({ port: gate.port('crm-side'), path: '/files/x', method: 'GET' })
    expect(headers['content-type']).toBe('image/png')
    expect(seen.at(-1)?.headers).not.toHaveProperty('transfer-encoding')
  })

  it('lets no request hide in the body of a chunked DELETE', async () => {
    const paths: (string | undefined)[] = []
    answer = (req, res) => {
      paths.push(req.url)
      req.resume().on('end', () => res.end('{}'))
    }
    const hidden = 'GET /files/hidden HTTP/1.1\r\nHost: x\r\n\r\n'
    const heard = await speak(
      gate.port('crm-side'),
      socket =>
        socket.write(
          `DELETE /files/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`,
        ),
      3_000,
    )
    expect(heard.text).toMatch(/^HTTP\/1\.1 200 /)
    await pause(50)
    expect(paths).toEqual(['/files/x'])
    expect(seen.at(-1)?.headers['transfer-encoding']).toBe('chunked')
    expect(seen.at(-1)?.headers).not.toHaveProperty('content-length')
  })

  it('passes no field that ends at a hop, and none that Connection names, either way', async () => {
    answer = (req, res) => {
      res.writeHead(200, {
        connection: 'keep-alive, x-hop, set-cookie',
        'x-hop': '1',
        'keep-alive': 'timeout=9',
        upgrade: 'h2c',
        'x-own': '1',
      })
      req.resume().on('end', () => res.end('{}'))
    }
    const hops = {
      connection: 'close, x-request-id, content-length, authorization, x-other',
      te: 'trailers',
      'proxy-authorization': 'x',
      'proxy-connection': 'x',
      'keep-alive': 'x',
      upgrade: 'h2c',
      'x-other': '1',
    }
    const reply = await ask({
      port: gate.port('crm-side'),
      path: '/files/x',
      method: 'PUT',
      headers: hops,
      body: 'abc',
    })
    expect([reply.status, reply.headers['x-own'], reply.headers['x-hop'], reply.headers.upgrade]).toEqual([
      200,
      '1',
      undefined,
      undefined,
    ])
    const got = seen.at(-1)?.headers ?? {}
    expect(got).toMatchObject({ 'content-length': '3' })
    expect(got['x-request-id']).toMatch(/^[0-9A-Z]{26}$/)
    for (const name of Object.keys(hops)) expect(Object.keys(got)).not.toContain(name)
  })

  it('cuts the upstream where the sender breaks off: a part is no whole', async () => {
    let whole: boolean | undefined
    answer = req => {
      req.resume()
      req.on('close', () => {
        whole = req.complete
      })
    }
    const socket = connect(gate.port('crm-side'), '127.0.0.1')
    socket.write(`PUT /files/cut HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`)
    await expect.poll(() => seen.at(-1)?.url).toBe('/files/cut')
    socket.destroy()
    await expect.poll(() => whole).toBe(false)
    whole = undefined
    const heard = speak(
      gate.port('crm-side'),
      async client => {
        client.write('PUT /files/bad HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
        await expect.poll(() => seen.at(-1)?.url).toBe('/files/bad')
        client.write('zz\r\n')
      },
      3_000,
    )
    expect((await heard).text).toMatch(/^HTTP\/1\.1 400 [\s\S]*request\.malformed/)
    await expect.poll(() => whole).toBe(false)
  })

  it('holds a cap that is set, whether announced or not', async () => {
    let whole: boolean | undefined
    answer = (req, res) => {
      req.on('close', () => {
        whole = req.complete
      })
      req.resume().on('end', () => res.end('{}'))
    }
    const port = gate.port('crm-side')
    const announced = await ask({ port, path: '/capped/x', method: 'PUT', body: Buffer.alloc(2 * MIB) })
    expect([announced.status, announced.code, whole]).toEqual([413, 'body-limit.exceeded', undefined])
    const heard = await speak(
      port,
      socket => {
        socket.write('PUT /capped/y HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
        for (let i = 0; i < 24; i++) socket.write(`10000\r\n${'x'.repeat(65_536)}\r\n`)
      },
      3_000,
    )
    expect(heard.text).toMatch(/^HTTP\/1\.1 413 [\s\S]*body-limit\.exceeded/)
    await expect.poll(() => whole).toBe(false)
    expect((await ask({ port, path: '/capped/z', method: 'PUT', body: Buffer.alloc(MIB), chunked: true })).status).toBe(
      200,
    )
  })

  it('ups-003: takes an early answer, and the rest of the body reaches no later request', async () => {
    const connections = sockets.size
    answer = (req, res) => {
      if (req.url === '/files/early') res.writeHead(422, { 'content-type': 'application/json' }).end('{"early":1}')
      else req.resume().on('end', () => res.end('{}'))
    }
    const reply = await ask({
      port: gate.port('crm-side'),
      path: '/files/early',
      method: 'PUT',
      body: Buffer.alloc(32 * MIB),
    })
    expect([reply.status, reply.body]).toEqual([422, '{"early":1}'])
    expect((await ask({ port: gate.port('crm-side'), path: '/files/next', method: 'PUT', body: 'x' })).status).toBe(200)
    expect(sockets.size).toBeGreaterThan(connections)
  })

  it('is given as long as something moves, and no longer', async () => {
    answer = async (req, res) => {
      req.resume()
      for (let i = 0; i < 5; i++) {
        res.write(`${i}`)
        await pause(400)
      }
      if (req.url === '/files/slow') res.end()
    }
    expect((await ask({ port: gate.port('crm-side'), path: '/files/slow', method: 'GET' })).body).toBe('01234')
    await expect(ask({ port: gate.port('crm-side'), path: '/files/stuck', method: 'GET' })).rejects.toThrow()
    answer = () => undefined
    const silent = await ask({ port: gate.port('crm-side'), path: '/files/silent', method: 'GET' })
    expect([silent.status, silent.code]).toEqual([504, 'forward.timeout'])
  })
})
