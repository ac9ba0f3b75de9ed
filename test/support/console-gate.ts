import { ask } from './client.ts'
import { type RunningGate, startGate, tempFolder } from './gate.ts'
import { freePort } from './ports.ts'
import { signedBy, webhookSecret } from './signed.ts'
import { startUpstream, type TestUpstream } from './upstream.ts'

const ENV = {
  ADMIN_TOKEN: 'the-admin-token-of-the-console-test',
  STRIPE_SECRET: 'whsec_the-stripe-secret-of-the-console-test',
  GITHUB_SECRET: 'the-github-secret-of-the-console-test',
  KB_TOKEN: 'the-kb-token-of-the-console-test',
  PARTNER_SECRET: webhookSecret(),
}

/** What a sender may write to be shown to an operator. */
export const HOSTILE = [
  '<script>document.title="owned"</script>',
  '<img src=x onerror=document.title="owned">',
  '"><svg onload=document.title="owned">',
  'javascript:document.title="owned"',
  '\u202egnp.exe\u2066',
  '=HYPERLINK("http://evil.test","x")',
] as const

const inDays = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10)

export interface ConsoleGate {
  readonly gate: RunningGate
  readonly crm: TestUpstream
  readonly admin: number
  readonly url: string
  readonly env: typeof ENV
  /** @param tokens of kb-sync, beside its own */
  config(token?: string, tokens?: string): string
  /** Requests of every kind: accepted, refused, failed, of no route. */
  traffic(rounds: number): Promise<void>
  close(): Promise<void>
}

/** A gate with a console, under the traffic of several services. */
export async function startConsoleGate(): Promise<ConsoleGate> {
  const crm = await startUpstream((req, res) => {
    const status = req.url === '/crm/flaky' ? 503 : 200
    setTimeout(() => res.writeHead(status, { 'content-type': 'application/json' }).end('{}'), Math.random() * 8)
  })
  const admin = await freePort()
  const config = (token = 'ADMIN_TOKEN', tokens = ''): string => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:${admin}", token: { env: ${token} } }
captures: { keep: 200, mask: [$.card] }
routes:
  - name: stripe
    match: { path: /hooks/stripe }
    checks:
      - signature: { provider: stripe, secrets: [{ name: current, env: STRIPE_SECRET, expires: 2099-06-30 }] }
    forward: { to: ${crm.url}/crm/stripe }
  - name: github
    match: { path: /hooks/github }
    checks:
      - rate-limit: { rate: 3000/min, by: source-ip }
      - signature: { provider: github, secrets: [{ name: current, env: GITHUB_SECRET, expires: ${inDays(23)} }] }
      - schema: { inline: { type: object, required: [repository] } }
        mode: report
    forward: { to: ${crm.url}/crm/github }
  - name: kb-sync
    match: { path-prefix: /kb/ }
    checks: [{ bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN, expires: ${inDays(5)} }${tokens}] } }]
    forward: { to: ${crm.url}/crm/kb/ }
  - name: partner
    match: { path: /partner }
    checks: [{ signature: { provider: standard-webhooks, secrets: [{ env: PARTNER_SECRET }] } }]
    forward: { to: "http://127.0.0.1:1/in" }
  - name: crm-to-shop
    match: { path: /shop }
    checks: [{ source-ip: { allow: [127.0.0.0/8] } }]
    forward:
      to: ${crm.url}/crm/flaky
      pace: { rate: 600/min }
      breaker: { failures: 500, within: 1m, rest: 1s }
  - name: late
    match: { path: /late }
    checks: [{ bearer: { tokens: [{ name: late, file: late.token }] } }]
    forward: { to: ${crm.url}/crm/late }
`
  const gate = await startGate(
    config(),
    { ...ENV, OTHER_TOKEN: 'another-admin-token-of-this-test', NEW_KB_TOKEN: 'no-such-token' },
    tempFolder(),
    2,
  )
  const port = gate.port('public')
  const send = (path: string, headers: Record<string, string>, body = '{}') =>
    ask({ port, path, headers: { 'content-type': 'application/json', ...headers }, body })

  const kinds: readonly (() => Promise<unknown>)[] = [
    () => send('/hooks/stripe', signedBy('stripe', ENV.STRIPE_SECRET, '{"id":"evt_1"}'), '{"id":"evt_1"}'),
    () => send('/hooks/stripe', signedBy('stripe', ENV.STRIPE_SECRET, '{"id":"evt_2"}'), '{"id":"evt_2"}'),
    () => send('/hooks/github', signedBy('github', ENV.GITHUB_SECRET, '{"repository":{}}'), '{"repository":{}}'),
    () => send('/kb/articles', { authorization: `Bearer ${ENV.KB_TOKEN}` }),
    () => send('/kb/articles', { authorization: `Bearer ${ENV.KB_TOKEN}` }),
  ]
  const rarer: readonly (() => Promise<unknown>)[] = [
    () => send('/hooks/github', signedBy('github', `${ENV.GITHUB_SECRET}\n`, '{}'), '{}'),
    () => send('/kb/articles', { authorization: 'Bearer no-such-token' }),
    () => send('/partner', signedBy('standard-webhooks', ENV.PARTNER_SECRET, '{}')),
    () => send('/shop', {}),
    () => send('/nowhere', {}),
    () => send('/hooks/github', signedBy('github', ENV.GITHUB_SECRET, '{}'), '{}'),
  ]
  return {
    gate,
    crm,
    admin,
    url: `http://127.0.0.1:${admin}/`,
    env: ENV,
    config,
    async traffic(rounds) {
      for (let round = 0; round < rounds; round++) {
        await Promise.all(kinds.map(each => each()))
        await rarer[round % rarer.length]?.()
      }
    },
    async close() {
      await gate.stop()
      await crm.close()
    },
  }
}
