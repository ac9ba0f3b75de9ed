import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type BotApi, startBotApi } from '../support/bot-api.ts'
import { ask } from '../support/client.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import type { Standing, Variant } from './contract-configs.ts'

const ENV = {
  GITHUB_SECRET: randomBytes(20).toString('hex'),
  ADMIN_TOKEN: randomBytes(20).toString('hex'),
  ALERT_BOT_TOKEN: `8108431234:AA${randomBytes(24).toString('base64url')}`,
  ALERT_SECRET: webhookSecret(),
}
const WAIT = { timeout: 20_000, interval: 50 }

export interface WhyService extends BotApi {
  /** Events of the signed webhook, verified. */
  readonly events: unknown[]
  readonly crm: string[]
}

/** The CRM, the Bot API and the receiver of signed webhooks, all on the one port that why.yaml names. */
export async function startWhyService(_folder: string, port: number): Promise<WhyService> {
  const events: unknown[] = []
  const crm: string[] = []
  const bot = await startBotApi(
    ENV.ALERT_BOT_TOKEN,
    (path, headers, body) => {
      if (path === '/alerts') events.push(new Webhook(ENV.ALERT_SECRET).verify(body, headers))
      else crm.push(body)
      return 200
    },
    port,
  )
  return { ...bot, events, crm }
}

export function why(variant: Variant<WhyService>): void {
  describe.skipIf(variant.skip !== '')(`why.yaml ${variant.name} ${variant.skip}`.trim(), () => {
    let standing: Standing<WhyService>
    let ca: Buffer
    const send = (secret: string, body: string) =>
      ask({
        port: standing.gate.port('public'),
        path: '/hooks/github',
        headers: { host: 'localhost', ...signedBy('github', secret, body) },
        body,
        tls: { ca },
      })

    beforeAll(async () => {
      standing = await variant.start(ENV, 2)
      ca = readFileSync(join(standing.folder, 'certs/ca.crt'))
    }, 30_000)
    afterAll(async () => {
      expect(await standing.stop()).toBe(0)
    }, 40_000)

    it('lets in what the check in report mode would refuse', async () => {
      expect((await send(ENV.GITHUB_SECRET, '{"zen":1}')).status).toBe(200)
      expect(standing.upstream.crm).toEqual(['{"zen":1}'])
    })

    it('tells the bot and the webhook once that a route refuses too much', async () => {
      for (let i = 0; i < 12; i++) expect((await send('not-the-secret', '{}')).status).toBe(401)
      await vi.waitFor(() => expect(standing.upstream.events).toHaveLength(1), WAIT)
      await vi.waitFor(() => expect(standing.upstream.messages).toHaveLength(1), WAIT)
      const [message] = standing.upstream.messages
      expect(message?.chat_id).toBe(-1001884413322)
      expect(message?.text).toMatch(
        /alert: route github refuses \d[\d.]* % of its requests\nEvidence: .* signature\.mismatch\nMend: /,
      )
      expect(standing.upstream.events[0]).toMatchObject({
        type: 'alert.started',
        data: { rule: 'refused', route: 'github' },
      })
    })

    it('logs no secret', () => {
      for (const secret of Object.values(ENV))
        expect(standing.gate.stdout() + standing.gate.stderr()).not.toContain(secret)
    })
  })
}
