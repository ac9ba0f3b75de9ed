import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Ask, ask, type Reply } from '../support/client.ts'
import { sallyport } from '../support/gate.ts'
import { hasProgram } from '../support/programs.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import type { Standing, Variant } from './contract-configs.ts'

const HOOK_SECRET = webhookSecret()
const BODY = '{"transfer":"T-1"}'
const JSON_TYPE = { 'content-type': 'application/json' }
const curl = await hasProgram('curl', '--version')

export function mtls(variant: Variant): void {
  describe.skipIf(variant.skip !== '')(`mtls.yaml ${variant.name} ${variant.skip}`.trim(), () => {
    let standing: Standing
    let ca = ''
    const file = (name: string): string => join(standing.folder, 'certs', name)
    const send = (what: Ask, client?: string): Promise<Reply> =>
      ask({
        port: standing.gate.port('public'),
        tls: {
          ca,
          ...(client === undefined
            ? {}
            : { cert: readFileSync(file(`${client}.crt`)), key: readFileSync(file(`${client}.key`)) }),
        },
        body: BODY,
        ...what,
        headers: { ...JSON_TYPE, host: 'localhost', ...what.headers },
      })
    const makeClient = async (name: string, ...names: string[]): Promise<void> => {
      const made = await sallyport(['certs', 'client', '--dir', file('.'), '--name', name, ...names])
      expect(made).toMatchObject({ code: 0 })
    }
    const refused = async (what: Ask, client: string | undefined, status: number, code: string): Promise<void> => {
      const before = standing.upstream.received.length
      const reply = await send(what, client)
      expect([reply.status, reply.code]).toEqual([status, code])
      expect(standing.upstream.received.length).toBe(before)
    }

    beforeAll(async () => {
      standing = await variant.start({ HOOK_SECRET }, 1)
      ca = readFileSync(file('ca.crt'), 'utf8')
      await makeClient('bank', '--dns', 'hooks.bank.example')
      await makeClient('spiffe', '--uri', 'spiffe://bank.example/webhooks')
      await makeClient('partner', '--dns', 'partner.example')
    }, 30_000)
    afterAll(async () => {
      expect(await standing.stop()).toBe(0)
    }, 40_000)

    it('lets any partner of the CA in and tells the upstream who it was (RFC 9440)', async () => {
      const reply = await send(
        { path: '/partners', headers: { 'client-cert': ':Zm9yZ2Vk:', 'x-forwarded-for': '192.0.2.9' } },
        'partner',
      )
      expect(reply.status).toBe(200)
      const seen = standing.upstream.received.at(-1)
      const der = new X509Certificate(readFileSync(file('partner.crt'))).raw.toString('base64')
      expect(seen?.headers['client-cert']).toBe(`:${der}:`)
      expect(seen?.headers['x-forwarded-for']).toBe('192.0.2.9')
      expect(seen?.headers['x-forwarded-proto']).toBe('https')
      expect(seen?.headers['sallyport-principal']).toBe('client-cert:partner.example')
      await refused({ path: '/partners' }, undefined, 401, 'client-cert.missing')
    })

    it('refuses a certificate of another CA', async () => {
      const other = join(standing.folder, 'other')
      expect((await sallyport(['certs', 'init', '--dir', other])).code).toBe(0)
      const foreign = { cert: readFileSync(join(other, 'client.crt')), key: readFileSync(join(other, 'client.key')) }
      const reply = await ask({
        port: standing.gate.port('public'),
        tls: { ca, ...foreign },
        path: '/partners',
        headers: { ...JSON_TYPE, host: 'localhost' },
        body: BODY,
      })
      expect([reply.status, reply.code]).toEqual([403, 'client-cert.untrusted'])
    })

    it('lets the one bank in under either of its names, with its signature', async () => {
      for (const client of ['bank', 'spiffe']) {
        expect(
          (await send({ path: '/bank', headers: signedBy('standard-webhooks', HOOK_SECRET, BODY) }, client)).status,
        ).toBe(200)
        expect(standing.upstream.received.at(-1)?.headers).not.toHaveProperty('client-cert')
      }
      const signed = { path: '/bank', headers: signedBy('standard-webhooks', HOOK_SECRET, BODY) }
      await refused(signed, 'partner', 403, 'client-cert.not-allowed')
      await refused(signed, 'client', 403, 'client-cert.not-allowed')
      await refused(signed, undefined, 401, 'client-cert.missing')
      await refused({ path: '/bank' }, 'bank', 401, 'signature.missing')
      const forged = signedBy('standard-webhooks', webhookSecret(), BODY)
      await refused({ path: '/bank', headers: forged }, 'bank', 401, 'signature.mismatch')
    })

    it('asks signers for no certificate', async () => {
      expect((await send({ path: '/signed', headers: signedBy('standard-webhooks', HOOK_SECRET, BODY) })).status).toBe(
        200,
      )
      const forged = signedBy('standard-webhooks', webhookSecret(), BODY)
      await refused({ path: '/signed', headers: forged }, undefined, 401, 'signature.mismatch')
    })

    it.skipIf(!curl)('speaks with curl, with a certificate and without', async () => {
      const run = promisify(execFile)
      const base = ['-sS', '--cacert', file('ca.crt'), '-H', 'content-type: application/json', '-d', BODY]
      const url = `https://localhost:${standing.gate.port('public')}/partners`
      const status = ['-o', '/dev/null', '-w', '%{http_code}']
      const own = ['--cert', file('partner.crt'), '--key', file('partner.key')]
      expect((await run('curl', [...base, ...status, ...own, url])).stdout).toBe('200')
      expect((await run('curl', [...base, ...status, url])).stdout).toBe('401')
      expect((await run('curl', [...base, ...status, ...own, '--tls-max', '1.2', url])).stdout).toBe('200')
      await expect(run('curl', [...base, ...status, '--tls-max', '1.1', url])).rejects.toThrow()
    })

    it('refuses a revoked client as soon as the CRL is signed anew, on open connections too', {
      timeout: 60_000,
    }, async () => {
      const { Agent } = await import('node:https')
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      try {
        await makeClient('leaver', '--dns', 'leaver.example')
        expect((await send({ path: '/partners', agent }, 'leaver')).status).toBe(200)
        const told = standing.gate.next(line => line.msg === 'reloaded', 30_000)
        const revoked = await sallyport(['certs', 'revoke', '--dir', file('.'), file('leaver.crt')])
        expect(revoked).toMatchObject({ code: 0 })
        const from = performance.now()
        await told
        // By the system's word, and not when all files are looked at, every ten seconds.
        expect(performance.now() - from).toBeLessThan(1_000)
        const reply = await send({ path: '/partners', agent }, 'leaver')
        expect(reply.status).toBe(403)
        expect(reply.code).toMatch(/^client-cert\./)
        expect((await send({ path: '/partners' }, 'partner')).status).toBe(200)
      } finally {
        agent.destroy()
      }
    })
  })
}
