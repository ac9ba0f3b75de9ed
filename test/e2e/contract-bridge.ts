import { createHash, createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, ask } from '../support/client.ts'
import { webhookSecret } from '../support/signed.ts'
import { startTlsReceiver, type TlsReceiver } from '../support/tls-receiver.ts'
import type { Standing, Variant } from './contract-configs.ts'

const ENV = {
  BANK_TOKEN: randomBytes(18).toString('base64url'),
  OAUTH_SECRET: randomBytes(18).toString('base64url'),
  SIGNING_SECRET: webhookSecret(),
}
const JSON_TYPE = { 'content-type': 'application/json' }

/** The external service of bridge.yaml: a bank that asks for a certificate, a token endpoint, files and a WebSocket. */
export function startService(folder: string, port: number): Promise<TlsReceiver> {
  let token = ''
  return startTlsReceiver(
    folder,
    (req, res, seen) => {
      if (seen.url === '/token') {
        token = randomBytes(18).toString('base64url')
        res.end(JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3600 }))
      } else if (seen.url.startsWith('/v2/') && seen.headers.authorization !== `Bearer ${token}`)
        res.writeHead(401).end()
      else if (seen.url.startsWith('/files/') && req.method === 'PUT')
        res.end(createHash('sha256').update(seen.body).digest('hex'))
      else res.setHeader('content-type', 'application/json').end('{}')
    },
    port,
    (req, socket) => {
      const accept = createHash('sha1').update(
        `${req.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`,
      )
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
      )
      socket.write(Buffer.from([0x81, 2, 0x68, 0x69]))
    },
  )
}

export function bridge(variant: Variant<TlsReceiver>): void {
  describe.skipIf(variant.skip !== '')(`bridge.yaml ${variant.name} ${variant.skip}`.trim(), () => {
    let standing: Standing<TlsReceiver>
    const send = (what: Ask) => ask({ port: standing.gate.port('crm-side'), ...what })
    const last = () => standing.upstream.received.at(-1)

    beforeAll(async () => {
      standing = await variant.start(ENV, 1)
    }, 30_000)
    afterAll(async () => {
      expect(await standing.stop()).toBe(0)
    }, 40_000)

    it.each(['GET', 'POST', 'PUT', 'DELETE'])('shows the bank certificate and token with %s', async method => {
      const body = method === 'GET' ? {} : { body: '{"amount":1.10}', headers: JSON_TYPE }
      expect((await send({ path: '/bank/transfers?x=1', method, ...body })).status).toBe(200)
      expect(last()).toMatchObject({ method, url: '/api/transfers?x=1', client: 'bridge' })
      expect(last()?.headers.authorization).toBe(`Bearer ${ENV.BANK_TOKEN}`)
      expect(last()?.source).toMatch(/127\.0\.0\.1$/)
    })

    it('keeps to the pace of the bank, and says when to come again', async () => {
      const replies = await Promise.all(
        Array.from({ length: 30 }, () => send({ path: '/bank/x', method: 'GET', headers: { connection: 'close' } })),
      )
      const paced = replies.filter(({ status }) => status !== 200)
      expect(new Set(paced.map(({ code }) => code))).toEqual(new Set(['forward.paced']))
      expect(paced.length).toBeGreaterThan(5)
      expect(paced.every(({ status, headers }) => status === 503 && Number(headers['retry-after']) > 0)).toBe(true)
    })

    it('signs the webhook over what is sent, compressed or not', async () => {
      for (const length of [10, 100_000]) {
        const body = JSON.stringify({ text: 'x'.repeat(length) })
        expect((await send({ path: '/out/signed', headers: JSON_TYPE, body })).status).toBe(200)
        const { headers = {}, body: sent = Buffer.alloc(0) } = last() ?? {}
        const fields = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
        const key = Buffer.from(ENV.SIGNING_SECRET.replace('whsec_', ''), 'base64')
        const mac = createHmac('sha256', key)
          .update(`${fields['webhook-id']}.${fields['webhook-timestamp']}.`)
          .update(sent)
        expect(fields['webhook-signature']).toBe(`v1,${mac.digest('base64')}`)
        expect(headers['content-encoding']).toBe(length > 65_536 ? 'gzip' : undefined)
        expect(String(length > 65_536 ? gunzipSync(sent) : sent)).toBe(body)
      }
    })

    it('has one token for the API, asked for once', async () => {
      const replies = await Promise.all(
        Array.from({ length: 10 }, () => send({ path: '/out/api/events', method: 'GET' })),
      )
      expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 200))
      const asked = standing.upstream.received.filter(({ url }) => url === '/token')
      expect(asked.length).toBe(1)
      expect(asked[0]?.headers.authorization).toBe(`Basic ${Buffer.from(`crm:${ENV.OAUTH_SECRET}`).toString('base64')}`)
      expect(String(asked[0]?.body)).toBe('grant_type=client_credentials&scope=events')
    })

    it('streams files of any type, and lets WebSockets through', async () => {
      const file = randomBytes(3 * 1024 * 1024)
      const reply = await send({
        path: '/files/a.bin',
        method: 'PUT',
        headers: { 'content-type': 'image/png' },
        body: file,
      })
      expect(reply.body).toBe(createHash('sha256').update(file).digest('hex'))
      expect(last()).toMatchObject({ url: '/files/a.bin', client: 'bridge' })
      const socket = new WebSocket(`ws://127.0.0.1:${standing.gate.port('crm-side')}/files/live`)
      const [message] = (await once(socket, 'message')) as [MessageEvent]
      expect(message.data).toBe('hi')
      socket.close()
      standing.upstream.close()
    })

    it('logs no secret', () => {
      for (const secret of Object.values(ENV))
        expect(standing.gate.stdout() + standing.gate.stderr()).not.toContain(secret)
    })
  })
}
