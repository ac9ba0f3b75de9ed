import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { speak } from '../support/client.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const BODY = '{"a":1}'
const LANES = 40
const TAB = 0x09

const BYTES = Array.from({ length: 256 }, (_, byte) => byte).filter(byte => (byte > 0 && byte < 0x20) || byte >= 0x7f)

/** Where the byte stands in the field line. */
const PLACES: Readonly<Record<string, (byte: string) => string>> = {
  'before the name': byte => `${byte}Transfer-Encoding: chunked`,
  'before the colon': byte => `Transfer-Encoding${byte}: chunked`,
  'before the value': byte => `Transfer-Encoding:${byte}chunked`,
  'after the value': byte => `Transfer-Encoding: chunked${byte}`,
}

interface Framing {
  /** Besides the mutated field. */
  readonly field: string
  readonly body: string
  /** White space before a value is no part of it (RFC 9110 section 5.5): a tab there leaves one meaning. */
  readonly tabIsClear: boolean
}

const FRAMINGS: Readonly<Record<string, Framing>> = {
  'a chunked body': { field: '', body: `7\r\n${BODY}\r\n0\r\n\r\n`, tabIsClear: true },
  'a Content-Length as well': { field: `Content-Length: ${BODY.length}\r\n`, body: BODY, tabIsClear: false },
}

interface Probe {
  readonly id: string
  readonly bytes: Buffer
  readonly clear: boolean
}

function probes(): Probe[] {
  const all: Probe[] = []
  for (const [framing, { field, body, tabIsClear }] of Object.entries(FRAMINGS))
    for (const [place, line] of Object.entries(PLACES))
      for (const byte of BYTES) {
        const id = `${framing}_${place}_${byte.toString(16)}`.replaceAll(' ', '-')
        const signed = Object.entries(signedBy('standard-webhooks', SECRET, BODY, { id }))
        const fields = signed.map(([name, value]) => `${name}: ${value}\r\n`).join('')
        const text = `POST /hooks/x HTTP/1.1\r\nHost: gw.test\r\n${fields}${field}${line(String.fromCharCode(byte))}\r\n\r\n${body}`
        all.push({
          id,
          bytes: Buffer.from(text, 'latin1'),
          clear: byte === TAB && tabIsClear && place === 'before the value',
        })
      }
  return all
}

describe('a Transfer-Encoding field with one foreign byte in it', () => {
  let gate: RunningGate
  let upstream: TestUpstream

  beforeAll(async () => {
    upstream = await startUpstream()
    gate = await startGate(
      `
listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
  - name: x
    match: { path: /hooks/x, host: gw.test }
    checks:
      - signature: { provider: standard-webhooks, secrets: [{ env: SECRET }] }
      - replay: {}
    forward: { to: ${upstream.url}/in }
`,
      { SECRET },
    )
  })
  afterAll(async () => {
    await upstream.close()
    expect(await gate.stop()).toBe(0)
  })

  it('is forwarded only where every parser reads it alike', async () => {
    const left = probes()
    const total = left.length
    const clear = left.filter(probe => probe.clear).map(({ id }) => id)
    const answered: string[] = []
    const lane = async (): Promise<void> => {
      for (let probe = left.pop(); probe; probe = left.pop()) {
        const { bytes, id } = probe
        const heard = await speak(gate.port('public'), socket => socket.end(bytes), 2_000)
        const status = heard.text.slice(9, 12)
        if (status !== (probe.clear ? '200' : '400') || !heard.closed)
          answered.push(`${id}: ${status}, closed ${heard.closed}`)
      }
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    expect(total).toBe(2 * 4 * 160)
    expect(answered).toEqual([])
    expect(upstream.received.map(({ headers }) => headers['sallyport-event-id']).sort()).toEqual(clear.sort())
    for (const { body, headers } of upstream.received) {
      expect(body.toString()).toBe(BODY)
      expect(headers['content-length']).toBe(String(BODY.length))
      expect(headers).not.toHaveProperty('transfer-encoding')
    }
  }, 60_000)
})
