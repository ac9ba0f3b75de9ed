import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import type { Standing, Variant } from './contract-configs.ts'

const HOOK_SECRET = webhookSecret()
const BODY = '{"a":1}'

export function strict(variant: Variant): void {
  describe.skipIf(variant.skip !== '')(`strict.yaml ${variant.name} ${variant.skip}`.trim(), () => {
    let standing: Standing
    const send = (headers: Readonly<Record<string, string>>) =>
      ask({ port: standing.gate.port('plain'), path: '/hooks/x', headers: { host: 'gw.test', ...headers }, body: BODY })

    beforeAll(async () => {
      standing = await variant.start({ HOOK_SECRET }, 1)
    }, 30_000)
    afterAll(async () => {
      expect(await standing.stop()).toBe(0)
    }, 40_000)

    it('takes a signed event, once', async () => {
      const headers = signedBy('standard-webhooks', HOOK_SECRET, BODY)
      expect((await send(headers)).status).toBe(200)
      expect(standing.upstream.received.at(-1)).toMatchObject({ url: '/hooks/x', body: Buffer.from(BODY) })
      const again = await send(headers)
      expect([again.status, again.headers['sallyport-duplicate']]).toEqual([200, 'true'])
      expect(standing.upstream.received).toHaveLength(1)
    })

    it('refuses a forged one', async () => {
      const reply = await send(signedBy('standard-webhooks', webhookSecret(), BODY))
      expect([reply.status, reply.code]).toEqual([401, 'signature.mismatch'])
      expect(reply.headers['www-authenticate']).toBeDefined()
      expect(standing.upstream.received).toHaveLength(1)
    })
  })
}
