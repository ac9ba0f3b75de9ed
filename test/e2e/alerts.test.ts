import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type BotApi, startBotApi } from '../support/bot-api.ts'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const ENV = {
  GITHUB_SECRET: randomBytes(20).toString('hex'),
  ALERT_BOT_TOKEN: `8108431234:AA${randomBytes(24).toString('base64url')}`,
  ALERT_SECRET: webhookSecret(),
  ADMIN_TOKEN: randomBytes(20).toString('hex'),
}
const WAIT = { timeout: 20_000, interval: 50 }

interface Event {
  readonly type: string
  readonly data: Readonly<Record<string, string>>
}

/** What stands at the other end of alerts: the Bot API, a verifier of signed webhooks, and Slack. */
async function startReceivers() {
  const events: { readonly id: string; readonly event: Event }[] = []
  const slack: { readonly text: string; readonly mrkdwn: boolean }[] = []
  const statuses: number[] = []
  const bot = await startBotApi(ENV.ALERT_BOT_TOKEN, (path, headers, body) => {
    if (path === '/slack/T0/B0/xyzzy') {
      slack.push(JSON.parse(body))
      return 200
    }
    if (path !== '/alerts') return 404
    // Throws where the signature does not hold; the gate then never sees a 204.
    const event = new Webhook(ENV.ALERT_SECRET).verify(body, headers) as Event
    const status = statuses.shift() ?? 204
    if (status === 204) events.push({ id: headers['webhook-id'] ?? '', event })
    return status
  })
  closing.push(() => bot.close())
  return { bot, events, slack, statuses }
}

async function upstream(): Promise<TestUpstream> {
  const crm = await startUpstream()
  closing.push(() => crm.close())
  return crm
}

async function start(yaml: string, env: Readonly<Record<string, string>> = ENV): Promise<RunningGate> {
  const gate = await startGate(yaml, env)
  closing.push(() => gate.stop())
  return gate
}

const RULES = `
    - refused: { over: 20%, of-at-least: 10, within: 2s }
    - upstream-failing: { for: 1s }`

const config = (crm: string, bot: BotApi, rules = RULES, also = ''): string => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:0", token: { env: ADMIN_TOKEN } }
alerts:
  link: https://gate.example.com
  to:
    - telegram: { api: "${bot.url}", bot-token: { env: ALERT_BOT_TOKEN }, chat: -1001884413322 }
    - webhook: { url: "${bot.url}/alerts", secret: { env: ALERT_SECRET } }${also}
  rules:${rules}
routes:
  - name: github
    match: { path: /hooks/github }
    checks: [{ signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] } }]
    forward: { to: ${crm}/github }
`

const BODY = '{"repository":1}'

async function send(gate: RunningGate, times: number, secret = ENV.GITHUB_SECRET): Promise<void> {
  for (let i = 0; i < times; i++)
    await ask({
      port: gate.port('public'),
      path: '/hooks/github',
      headers: signedBy('github', secret, BODY),
      body: BODY,
    })
}

async function metric(gate: RunningGate, name: string): Promise<number> {
  const headers = { authorization: `Bearer ${ENV.ADMIN_TOKEN}` }
  const { body } = await ask({ port: gate.port('admin'), path: '/metrics', method: 'GET', headers })
  return Number(
    body
      .split('\n')
      .find(line => line.startsWith(`${name} `))
      ?.slice(name.length + 1),
  )
}

describe('alerts', () => {
  it('reach a bot, a signed webhook and Slack once when it starts, and once when it ends', async () => {
    const { bot, events, slack } = await startReceivers()
    const env = { ...ENV, SLACK_URL: `${bot.url}/slack/T0/B0/xyzzy` }
    const gate = await start(
      config((await upstream()).url, bot, RULES, '\n    - slack: { url: { env: SLACK_URL } }'),
      env,
    )
    await send(gate, 12, 'not-the-secret')
    await vi.waitFor(() => expect([bot.messages.length, events.length, slack.length]).toEqual([2, 2, 2]), WAIT)
    const [first, second] = bot.messages
    expect(first?.chat_id).toBe(-1001884413322)
    expect(first?.text).toMatch(
      /^Sallyport on \S+, alert: route github refuses 100 % of its requests\nEvidence: (1\d) of \1 in the last 2 s: \1 signature\.mismatch\nMend: .+\nSince \d{4}-\d\d-\d\d \d\d:\d\d UTC\nhttps:\/\/gate\.example\.com\/#\/routes\/github$/,
    )
    expect(second?.text).toMatch(
      /, over: route github no longer refuses more than 20 % of its requests\nFrom .+ to .+ UTC\n/,
    )
    const [begun, over] = events
    expect(begun?.event).toMatchObject({
      type: 'alert.started',
      data: { rule: 'refused', route: 'github', subject: 'github', link: 'https://gate.example.com/#/routes/github' },
    })
    expect(over?.event).toMatchObject({ type: 'alert.ended', data: { alert: begun?.event.data.alert } })
    expect(begun?.id).not.toBe(over?.id)
    expect(slack[0]).toMatchObject({ mrkdwn: false })
    // Nothing that came late, and no secret anywhere.
    await vi.waitFor(async () => expect(await metric(gate, 'sallyport_alerts_active{rule="refused"}')).toBeNaN(), WAIT)
    expect(bot.messages).toHaveLength(2)
    expect(await metric(gate, 'sallyport_alert_messages_total{receiver="telegram",result="delivered"}')).toBe(2)
    for (const secret of [...Object.values(ENV), 'xyzzy']) expect(gate.stdout() + gate.stderr()).not.toContain(secret)
  }, 40_000)

  it('are sent again as the receivers ask for it, and not where they never will be taken', async () => {
    const { bot, events, statuses } = await startReceivers()
    bot.refusals.push(
      { status: 429, description: 'Too Many Requests: retry after 1', parameters: { retry_after: 1 } },
      { status: 502, description: 'Bad Gateway' },
    )
    statuses.push(503)
    const gate = await start(config((await upstream()).url, bot))
    await send(gate, 12, 'not-the-secret')
    const told = () => bot.messages.map(({ text }) => text).join('\n')
    // By the time that the bot takes it, it may be over: then both are in one message.
    await vi.waitFor(() => expect(told()).toContain('over: route github no longer refuses'), WAIT)
    expect(told()).toContain('alert: route github refuses 100 % of its requests')
    expect(bot.attempts.length).toBe(bot.messages.length + 2)
    await vi.waitFor(
      () => expect(events.map(({ event }) => event.type)).toEqual(['alert.started', 'alert.ended']),
      WAIT,
    )
    bot.refusals.push({
      status: 400,
      description: 'Bad Request: group chat was upgraded to a supergroup chat',
      parameters: { migrate_to_chat_id: -1009 },
    })
    await send(gate, 12, 'not-the-secret')
    expect(
      await gate.line(({ msg, outcome }) => msg === 'alert not delivered' && outcome === 'given up', 20_000),
    ).toMatchObject({
      level: 'error',
      receiver: 'telegram',
      said: 'it answered 400: Bad Request: group chat was upgraded to a supergroup chat',
      remedy: 'The group has become a supergroup: write chat: -1009.',
    })
    expect(await metric(gate, 'sallyport_alert_messages_total{receiver="telegram",result="failed"}')).toBe(1)
    expect(await metric(gate, 'sallyport_alert_messages_total{receiver="webhook",result="retried"}')).toBe(1)
  }, 60_000)

  it('tell of an upstream that is down, until it is back', async () => {
    const { bot } = await startReceivers()
    const gone = await startUpstream()
    await gone.close()
    const gate = await start(config(gone.url, bot))
    await send(gate, 2)
    await vi.waitFor(
      () =>
        expect(bot.messages.at(-1)?.text).toContain(
          'alert: the upstream of route github has taken nothing for 1 s\nEvidence: since ',
        ),
      WAIT,
    )
    expect(bot.messages.at(-1)?.text).toContain('failed: 2 forward.unreachable')
    const back = await startUpstream(undefined, gone.port)
    closing.push(() => back.close())
    await send(gate, 1)
    await vi.waitFor(
      () => expect(bot.messages.at(-1)?.text).toContain('over: the upstream of route github takes requests again'),
      WAIT,
    )
    expect(bot.messages).toHaveLength(2)
  }, 40_000)

  it('outlive a reload, and what waits is not lost by it', async () => {
    const { bot, events } = await startReceivers()
    const crm = await upstream()
    const rules = '\n    - refused: { over: 20%, of-at-least: 10, within: 10s }'
    const gate = await start(config(crm.url, bot, rules))
    bot.refusals.push({ status: 500, description: 'Internal' }, { status: 500, description: 'Internal' })
    await send(gate, 12, 'not-the-secret')
    await vi.waitFor(() => expect(events).toHaveLength(1), WAIT)
    expect(await gate.reload(config(crm.url, bot, `${rules}\n    - breaker: {}`))).toMatchObject({ msg: 'reloaded' })
    await vi.waitFor(() => expect(bot.messages).toHaveLength(1), WAIT)
    expect(events).toHaveLength(1)
    // The rule goes: whoever was told of the beginning is told of the end.
    expect(await gate.reload(config(crm.url, bot, '\n    - breaker: {}'))).toMatchObject({ msg: 'reloaded' })
    await vi.waitFor(() => expect([bot.messages.length, events.length]).toEqual([2, 2]), WAIT)
    expect(bot.messages[1]?.text).toContain('the rule is no longer in the config')
  }, 40_000)

  it('count what came just before a reload', async () => {
    const { bot } = await startReceivers()
    const yaml = config((await upstream()).url, bot, '\n    - refused: { over: 20%, of-at-least: 10, within: 10s }')
    const gate = await start(yaml)
    for (let round = 0; round < 4; round++) {
      await send(gate, 3, 'not-the-secret')
      expect(await gate.reload(yaml)).toMatchObject({ msg: 'reloaded' })
    }
    await gate.line(({ msg }) => msg === 'alert', 5_000)
  }, 40_000)

  it('are told whole where many have piled up', async () => {
    const { bot } = await startReceivers()
    const names = Array.from(
      { length: 24 },
      (_, i) => `a-partner-of-the-crm-whose-name-is-as-long-as-names-may-be-${i + 10}`,
    )
    const crm = await upstream()
    const routes = names.map(
      name => `  - name: ${name}
    match: { path: /${name} }
    checks: [{ signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] } }]
    forward: { to: ${crm.url}/in }
`,
    )
    const rules = '\n    - refused: { over: 20%, of-at-least: 4, within: 60s }'
    const gate = await start(config(crm.url, bot, rules).replace('routes:\n', `routes:\n${routes.join('')}`))
    bot.refusals.push({ status: 429, description: 'Too Many Requests', parameters: { retry_after: 3 } })
    const headers = signedBy('github', 'not-the-secret', BODY)
    const refused = [
      headers,
      { ...headers, 'x-hub-signature-256': 'sha256=z' },
      { 'content-type': 'application/json' },
      { 'content-type': 'text/html' },
    ]
    for (const name of names)
      for (const each of refused) await ask({ port: gate.port('public'), path: `/${name}`, headers: each, body: BODY })
    const delivered = () => metric(gate, 'sallyport_alert_messages_total{receiver="telegram",result="delivered"}')
    await vi.waitFor(async () => expect(await delivered()).toBe(names.length), WAIT)
    const told = bot.messages.map(({ text }) => text).join('\n')
    expect(names.filter(name => !told.includes(`alert: route ${name} refuses 100 % of its requests`))).toEqual([])
    for (const { text } of bot.messages) expect(text).toMatch(/https:\/\/gate\.example\.com\/\S*$/)
  }, 40_000)

  it('that wait to be sent again are tried before the gate stops', async () => {
    const { bot } = await startReceivers()
    const gate = await startGate(config((await upstream()).url, bot), ENV)
    bot.refusals.push({ status: 429, description: 'Too Many Requests', parameters: { retry_after: 60 } })
    await send(gate, 12, 'not-the-secret')
    await gate.line(({ msg, receiver }) => msg === 'alert not delivered' && receiver === 'telegram')
    expect(await gate.stop()).toBe(0)
    expect(bot.messages.at(-1)?.text).toContain('route github refuses 100 %')
  }, 40_000)

  it('without their secret take nothing else offline, and are told once it is there', async () => {
    const { bot, events } = await startReceivers()
    const { ALERT_BOT_TOKEN: _, ...env } = ENV
    const gate = await start(config((await upstream()).url, bot), env)
    expect(gate.lines).toContainEqual(expect.objectContaining({ msg: 'alert receiver offline', receiver: 'telegram' }))
    await send(gate, 12, 'not-the-secret')
    await vi.waitFor(() => expect(events.length).toBeGreaterThan(0), WAIT)
    expect(bot.attempts).toEqual([])
    expect(await metric(gate, 'sallyport_alert_messages_waiting{receiver="telegram"}')).toBeGreaterThan(0)
  }, 40_000)

  it('that are due are delivered before the gate stops', async () => {
    const { bot } = await startReceivers()
    const gate = await startGate(config((await upstream()).url, bot), ENV)
    await send(gate, 12, 'not-the-secret')
    expect(await gate.stop()).toBe(0)
    expect(bot.messages[0]?.text).toContain('route github refuses 100 %')
  }, 40_000)
})
