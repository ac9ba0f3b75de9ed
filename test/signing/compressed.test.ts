import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../src/config/load.ts'
import { UnsignableFault } from '../../src/signing/signed-form.ts'
import { gate, outcome, signed } from '../checks/sent.ts'
import { credentials, keyed } from '../support/signed.ts'

const FORM = 'application/x-www-form-urlencoded'
const LINES = 'a line of text\n'.repeat(2_000)
const BODIES = [
  ['json', 'application/json', Buffer.from(JSON.stringify({ id: 'evt_1', update_id: 1, text: LINES }))],
  ['form', FORM, Buffer.from(new URLSearchParams({ From: '+49170', Body: LINES }).toString())],
] as const

/** What `check` says of `compress` on a bridge that signs as the provider. */
const refusal = (provider: string, as: string, secret: string): string | undefined =>
  parseConfig(
    `listeners: [{ name: a, bind: "127.0.0.1:0" }]
routes:
  - name: r
    match: { path: /r }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward:
      to: http://127.0.0.1:9/in
      body: { as: ${as}, compress: {} }
      authenticate: { signature: { provider: ${provider}, secret: { env: SECRET } } }
`,
    'gate.yaml',
    { SECRET: secret },
  ).problems.find(({ message }) => message.startsWith('compress:'))?.message

describe('compress on a bridge that signs as a provider', () => {
  it.each(keyed.map(({ id, scheme }) => [id, scheme] as const))(
    '%s: verifies, or is refused by check',
    (id, scheme) => {
      const { held, given } = credentials(keyed.find(each => each.id === id) ?? expect.fail())
      const result = (bytes: Buffer, type: string): string => {
        try {
          return outcome(gate(id, given)(signed(id, held, bytes, type)))
        } catch (error) {
          if (error instanceof UnsignableFault) return 'unsignable'
          throw error
        }
      }
      for (const [as, type, body] of BODIES) {
        if (result(body, type) !== 'ok') continue
        const compressed = result(gzipSync(body), type)
        const refused = refusal(id, as, held)
        if (refused === undefined) expect(compressed).toBe('ok')
        // What changes the body is refused for that.
        else if (scheme.body === undefined) expect(compressed).not.toBe('ok')
      }
    },
  )

  it('is refused for all versions of HubSpot but the third', () => {
    expect(
      ['hubspot-v1', 'hubspot-v2', 'hubspot-v3'].map(id => refusal(id, 'json', 'secret-of-the-app') === undefined),
    ).toEqual([false, false, true])
  })
})
