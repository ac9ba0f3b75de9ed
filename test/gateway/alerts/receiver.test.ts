import { describe, expect, it, vi } from 'vitest'
import type { Timing } from '../../../src/forward/timing.ts'
import { type Delivery, Receiver, type Sent } from '../../../src/gateway/alerts/receiver.ts'
import type { AlertMessage } from '../../../src/observe/alerts/message.ts'
import { createLog } from '../../../src/observe/log.ts'

/** Time that passes only when somebody waits: at once, to the end of the wait. */
function skippingTime() {
  let now = 0
  const waits: number[] = []
  const timing: Timing = {
    monotonic: () => now,
    now: () => now,
    after(ms, run) {
      let off = false
      setImmediate(() => {
        if (off) return
        waits.push(ms)
        now += ms
        run()
      })
      return () => {
        off = true
      }
    },
  }
  return { timing, waits, now: () => now }
}

const message = (id: string): AlertMessage => ({
  id,
  alert: id,
  phase: 'started',
  rule: 'refused',
  subject: 'github',
  route: 'github',
  what: `what ${id}`,
  evidence: undefined,
  mend: undefined,
  startedAt: 0,
  endedAt: undefined,
})

const LATER: Sent = { ok: false, again: true, said: 'it answered 503', mend: 'Wait.' }

/** A receiver that answers what is left in `answers`, and takes everything after. */
function receiver(answers: Sent[] = [], most = 1) {
  const { timing, waits, now } = skippingTime()
  const taken: string[] = []
  const attempts: string[] = []
  const lines: string[] = []
  const log = createLog({ destination: { write: text => lines.push(text) }, pretty: false })
  const one = new Receiver('telegram', log, timing)
  const deliver: Delivery = {
    fitting: () => most,
    async send(messages) {
      const ids = messages.map(({ id }) => id).join('+')
      attempts.push(ids)
      const sent = answers.shift() ?? { ok: true }
      if (sent.ok) taken.push(ids)
      return sent
    },
  }
  return { one, deliver, taken, attempts, waits, now, log: () => lines.join('') }
}

describe('a receiver', () => {
  it('is told everything once, in order', async () => {
    const { one, deliver, taken, attempts } = receiver()
    one.use(deliver)
    for (const id of ['a', 'b', 'c']) one.push(message(id))
    await one.idle()
    expect(taken).toEqual(['a', 'b', 'c'])
    expect(attempts).toEqual(taken)
    expect(one.counts).toEqual({ delivered: 3, retried: 0, failed: 0, dropped: 0 })
  })

  it('is told again what it did not take, later and later, before anything else', async () => {
    const { one, deliver, attempts, waits, log } = receiver(Array.from({ length: 12 }, () => LATER))
    one.use(deliver)
    one.push(message('a'))
    one.push(message('b'))
    await one.idle()
    expect(attempts).toEqual([...Array.from({ length: 13 }, () => 'a'), 'b'])
    expect(one.counts).toEqual({ delivered: 2, retried: 12, failed: 0, dropped: 0 })
    // About 1, 2, 4, ... seconds, five minutes at most.
    expect(waits.slice(0, 3).map(ms => 2 ** Math.round(Math.log2(ms / 1000)))).toEqual([1, 2, 4])
    expect(Math.max(...waits)).toBeLessThanOrEqual(360_000)
    expect(log().match(/"alert not delivered"/g)).toHaveLength(1)
  })

  it('takes what has piled up meanwhile at once, where it can', async () => {
    const { one, deliver, taken, attempts } = receiver([LATER], 3)
    one.use(deliver)
    for (const id of ['a', 'b', 'c', 'd', 'e']) one.push(message(id))
    await one.idle()
    expect(attempts).toEqual(['a', 'a+b+c', 'd+e'])
    expect(taken).toEqual(['a+b+c', 'd+e'])
    expect(one.counts).toMatchObject({ delivered: 5, retried: 1 })
  })

  it('that can not be spoken to for a fault of the gate holds nothing up', async () => {
    const { one, log } = receiver()
    one.use({ fitting: () => 1, send: () => Promise.reject(new Error('no such channel')) })
    one.push(message('a'))
    await one.idle()
    expect(one.counts.failed).toBe(1)
    expect(log()).toContain('no such channel')
  })

  it('is left alone as long as it asks for', async () => {
    const { one, deliver, waits } = receiver([{ ...LATER, afterMs: 42_000 }])
    one.use(deliver)
    one.push(message('a'))
    await one.idle()
    expect(waits).toEqual([42_000])
  })

  it('is tried at once where nobody waits any longer', async () => {
    const { timing } = skippingTime()
    const sent: string[] = []
    const log = createLog({ destination: { write: () => undefined }, pretty: false })
    // Time stands still: no wait ends by itself.
    const one = new Receiver('telegram', log, { ...timing, after: () => () => undefined })
    one.use({
      fitting: () => 1,
      send: async ([first]) => {
        sent.push(first?.id ?? '')
        return sent.length === 1 ? { ...LATER, afterMs: 300_000 } : { ok: true }
      },
    })
    one.push(message('a'))
    one.push(message('b'))
    await new Promise(resolve => setImmediate(resolve))
    expect(sent).toEqual(['a'])
    await one.idle()
    expect(sent).toEqual(['a', 'a', 'b'])
    expect(one.waiting).toBe(0)
  })

  it('is not told again what it will never take', async () => {
    const { one, deliver, attempts, taken, log } = receiver([{ ...LATER, again: false, said: 'it answered 400' }])
    one.use(deliver)
    one.push(message('a'))
    one.push(message('b'))
    await one.idle()
    expect(attempts).toEqual(['a', 'b'])
    expect(taken).toEqual(['b'])
    expect(one.counts.failed).toBe(1)
    expect(log()).toContain('"said":"it answered 400"')
  })

  it('is given up on a message after a day', async () => {
    const { one, deliver, now } = receiver(Array.from({ length: 10_000 }, () => LATER))
    one.use(deliver)
    one.push(message('a'))
    await vi.waitFor(() => expect(one.counts.failed).toBe(1), 20_000)
    expect(now()).toBeGreaterThanOrEqual(86_400_000)
    one.close()
  }, 30_000)

  it('loses the oldest messages of a full queue, and says so', async () => {
    const { one, deliver, taken, log } = receiver()
    for (let i = 0; i < 103; i++) one.push(message(`m${i}`))
    expect(one.waiting).toBe(100)
    expect(one.counts.dropped).toBe(3)
    expect(log().match(/"alert dropped"/g)).toHaveLength(3)
    one.use(deliver)
    await one.idle()
    expect([taken[0], taken.length]).toEqual(['m3', 100])
  })

  it('keeps what waits until its secret is there', async () => {
    const { one, deliver, taken } = receiver()
    one.use(undefined)
    one.push(message('a'))
    await one.idle()
    expect([taken, one.waiting]).toEqual([[], 1])
    one.use(deliver)
    await one.idle()
    expect(taken).toEqual(['a'])
  })
})
