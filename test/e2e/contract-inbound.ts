import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, ask, type Reply } from '../support/client.ts'
import { signedBy } from '../support/signed.ts'
import type { Standing, Variant } from './contract-configs.ts'

const ENV = {
  ZENDESK_SECRET: 'zendesk-secret-of-the-test',
  GITHUB_SECRET: 'github-secret-of-the-test',
  TELEGRAM_TOKEN: 'telegram-token-of-the-test',
  STRIPE_SECRET: 'whsec_stripe-secret-of-the-test',
  KB_TOKEN: 'kb-token-of-the-test-with-enough-length',
  HOOK_SECRET: 'hook-secret-of-the-test',
  HOOK_SECRET_OLD: 'old-hook-secret-of-the-test',
  ADMIN_TOKEN: 'admin-token-of-the-test-with-enough-length',
}

const TICKET =
  '{"type":"zen:event-type:ticket.created","time":"2026-11-24T10:00:00Z","detail":{"id":12345678901234567890}}'
const ARTICLE = '{"event_type":"article.published","timestamp":1,"data":{"id":7}}'

export function inbound(variant: Variant): void {
  describe.skipIf(variant.skip !== '')(`inbound.yaml ${variant.name} ${variant.skip}`.trim(), () => {
    let standing: Standing
    let ca = ''
    const send = (what: Ask): Promise<Reply> =>
      ask({ port: standing.gate.port('public'), tls: { ca }, ...what, headers: { host: 'localhost', ...what.headers } })
    const seen = () => standing.upstream.received.at(-1)
    const count = () => standing.upstream.received.length

    beforeAll(async () => {
      standing = await variant.start(ENV, 2)
      ca = readFileSync(join(standing.folder, 'certs/ca.crt'), 'utf8')
    }, 30_000)
    afterAll(async () => {
      expect(await standing.stop()).toBe(0)
    }, 40_000)

    const refused = async (what: Ask, status: number, code: string): Promise<void> => {
      const before = count()
      const reply = await send(what)
      expect([reply.status, reply.code]).toEqual([status, code])
      expect(reply.headers['x-request-id']).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
      expect(count()).toBe(before)
    }

    it('takes a Telegram update with the token, and none without', async () => {
      const body = '{"update_id":1,"message":{"message_thread_id":5,"text":"hi"}}'
      const path = '/hooks/telegram'
      const headers = signedBy('telegram', ENV.TELEGRAM_TOKEN, body)
      expect((await send({ path, headers, body })).status).toBe(200)
      expect(seen()).toMatchObject({ method: 'POST', url: '/telegram' })
      expect(seen()?.body.toString()).toBe(body)
      expect(seen()?.headers['sallyport-principal']).toBe('signature:telegram')
      await refused({ path, headers: signedBy('telegram', 'another', body), body }, 401, 'signature.mismatch')
      await refused({ path, headers: { 'content-type': 'application/json' }, body }, 401, 'signature.missing')
    })

    it('takes a Zendesk event once, and no forged, old or unfitting one', async () => {
      const path = '/hooks/zendesk'
      const sign = (body: string, nowMs?: number) =>
        signedBy('zendesk', ENV.ZENDESK_SECRET, body, nowMs === undefined ? {} : { nowMs })
      const headers = sign(TICKET)
      expect((await send({ path, headers, body: TICKET })).status).toBe(200)
      expect(seen()?.body.toString()).toBe(TICKET)
      const before = count()
      const again = await send({ path, headers, body: TICKET })
      expect([again.status, again.headers['sallyport-duplicate']]).toEqual([200, 'true'])
      expect(count()).toBe(before)
      await refused(
        { path, headers: sign(TICKET), body: TICKET.replace('created', 'deleted') },
        401,
        'signature.mismatch',
      )
      await refused({ path, headers: sign(TICKET, Date.now() - 301_000), body: TICKET }, 401, 'signature.expired')
      await refused({ path, headers: sign('{"type":1}'), body: '{"type":1}' }, 422, 'schema.invalid')
      const large = JSON.stringify({ text: 'x'.repeat(513 * 1024) })
      await refused({ path, headers: sign(large), body: large }, 413, 'body-limit.exceeded')
      await refused(
        { path, headers: { ...sign(TICKET), 'content-type': 'text/xml' }, body: TICKET },
        415,
        'content-type.unsupported',
      )
      await refused({ path, headers: { ...sign(TICKET), host: 'elsewhere.example' }, body: TICKET }, 404, 'route.none')
      await refused({ path: '/hooks/zendesk/', headers: sign(TICKET), body: TICKET }, 404, 'route.none')
      await refused({ path, method: 'PUT', headers: sign(TICKET), body: TICKET }, 405, 'route.method')
    })

    it('takes a GitHub push as JSON and as a form, and passes the two headers that are named', async () => {
      const path = '/hooks/github'
      const event = { 'x-github-event': 'push', 'x-github-delivery': 'd-1', 'x-github-hook-id': '9' }
      const body = '{"ref":"refs/heads/main","repository":{"id":1296269}}'
      expect(
        (await send({ path, headers: { ...signedBy('github', ENV.GITHUB_SECRET, body), ...event }, body })).status,
      ).toBe(200)
      expect(seen()?.headers).toMatchObject({ 'x-github-event': 'push', 'x-github-delivery': 'd-1' })
      expect(seen()?.headers).not.toHaveProperty('x-github-hook-id')
      expect(seen()?.headers).not.toHaveProperty('x-hub-signature-256')
      const form = `payload=${encodeURIComponent(body)}`
      const contentType = 'application/x-www-form-urlencoded'
      const headers = signedBy('github', ENV.GITHUB_SECRET, form, { contentType })
      expect((await send({ path, headers, body: form })).status).toBe(200)
      expect(seen()?.headers['content-type']).toBe('application/json')
      expect(JSON.parse(seen()?.body.toString() ?? '')).toEqual({ payload: body })
      await refused({ path, headers: signedBy('github', 'guessed', body), body }, 401, 'signature.mismatch')
    })

    it('takes a Stripe invoice, and no forged one', async () => {
      const path = '/hooks/stripe'
      const body = '{"id":"evt_1","type":"invoice.paid","data":{"object":{"amount":1999}}}'
      expect((await send({ path, headers: signedBy('stripe', ENV.STRIPE_SECRET, body), body })).status).toBe(200)
      expect(seen()?.headers['sallyport-event-id']).toBe('evt_1')
      await refused({ path, headers: signedBy('stripe', 'whsec_guessed', body), body }, 401, 'signature.mismatch')
    })

    it('takes the spelled-out scheme under either secret', async () => {
      const path = '/hooks/custom'
      const body = '{"order":"A-1"}'
      const sign = (secret: string, seconds: number) => ({
        'content-type': 'application/json',
        'x-timestamp': String(seconds),
        'x-signature': `sha256=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`,
      })
      const now = Math.floor(Date.now() / 1000)
      for (const [secret, name] of [
        [ENV.HOOK_SECRET, 'current'],
        [ENV.HOOK_SECRET_OLD, 'previous'],
      ] as const) {
        const reply = await send({ path, headers: sign(secret, now), body })
        expect(reply.status).toBe(200)
        const id = reply.headers['x-request-id']
        expect(await standing.gate.line(line => line['request-id'] === id)).toMatchObject({ key: name })
      }
      await refused({ path, headers: sign('guessed', now), body }, 401, 'signature.mismatch')
      await refused({ path, headers: sign(ENV.HOOK_SECRET, now - 400), body }, 401, 'signature.expired')
      await refused(
        { path, headers: { ...sign(ENV.HOOK_SECRET, now), 'x-timestamp': String(now + 1) }, body },
        401,
        'signature.mismatch',
      )
    })

    it('takes the holder of the token under the prefix, as often as the limit allows', async () => {
      const path = '/hooks/kb/articles/7?draft=1'
      const headers = { authorization: `Bearer ${ENV.KB_TOKEN}`, 'content-type': 'application/json' }
      expect((await send({ path, method: 'PUT', headers, body: ARTICLE })).status).toBe(200)
      expect(seen()).toMatchObject({ method: 'PUT', url: '/kb/articles/7?draft=1' })
      expect(seen()?.headers['sallyport-principal']).toBe('bearer:kb-sync')
      expect(seen()?.headers).not.toHaveProperty('authorization')
      await refused({ path, headers: { 'content-type': 'application/json' }, body: ARTICLE }, 401, 'bearer.missing')
      await refused({ path, headers: { ...headers, authorization: 'Bearer x' }, body: ARTICLE }, 401, 'bearer.unknown')
      await refused({ path, headers, body: '{"event_type":"x","timestamp":1}' }, 422, 'schema.invalid')
      const replies = await Promise.all(Array.from({ length: 12 }, () => send({ path, headers, body: ARTICLE })))
      expect(replies.filter(reply => reply.status === 200).length).toBeLessThanOrEqual(9)
      const limited = replies.find(reply => reply.status === 429)
      expect(limited?.code).toBe('rate-limit.exceeded')
      expect(Number(limited?.headers['retry-after'])).toBeGreaterThan(0)
    })

    it('tells its metrics to the holder of the admin token alone', async () => {
      const port = standing.gate.port('admin')
      const metrics = { port, path: '/metrics', method: 'GET' }
      expect((await ask({ port, path: '/healthz', method: 'GET' })).status).toBe(200)
      expect((await ask(metrics)).status).toBe(401)
      const told = await ask({ ...metrics, headers: { authorization: `Bearer ${ENV.ADMIN_TOKEN}` } })
      expect(told.status).toBe(200)
      expect(told.body).toMatch(/route="zendesk-tickets"/)
    })
  })
}
