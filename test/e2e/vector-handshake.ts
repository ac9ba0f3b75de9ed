import { expect } from 'vitest'
import { ask } from '../support/client.ts'
import { startFrozenGate } from '../support/frozen-gate.ts'
import type { TestUpstream } from '../support/upstream.ts'
import { NOW_OF_NONE, type PipelineVector } from './vector-gate.ts'

const HOUR = 3_600_000

/**
 * Sends a handshake over a socket to a whole gate, which answers it while the operator's window is open, and then no more;
 * nothing goes upstream.
 */
export async function sendHandshake(vector: PipelineVector, answer: string, upstream: TestUpstream): Promise<void> {
  const { provider, secret, now = NOW_OF_NONE, url = '/', method, headers } = vector
  const opened = Date.parse(now)
  const until = new Date(opened + HOUR).toISOString().replace(/\.\d+Z$/, 'Z')
  const { pathname, search } = new URL(url, 'https://hooks.example.com')
  const answered = async (at: number) => {
    const gate = await startFrozenGate(
      `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
  - name: vector
    match: { path: "${pathname}" }
    checks:
      - signature: { provider: ${provider}, secrets: [{ env: SECRET }] }
      - challenge: { provider: ${provider}, open-until: "${until}" }
    forward: { to: "${upstream.url}/" }
`,
      { SECRET: secret },
      at,
    )
    try {
      const sent = { port: gate.port('public'), path: pathname + search, method: method ?? 'GET', headers }
      const { status, body, code } = await ask(sent)
      return { status, body: code === '' ? body : code }
    } finally {
      await gate.close()
    }
  }
  upstream.received.length = 0
  expect(await answered(opened)).toEqual({ status: 200, body: answer })
  expect(await answered(opened + HOUR + 1000)).toEqual({ status: expect.any(Number), body: 'challenge.closed' })
  expect(upstream.received).toEqual([])
}
