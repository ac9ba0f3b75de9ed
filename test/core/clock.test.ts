import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { aboutNow, systemClock, withTime } from '../../src/core/clock.ts'

/** Milliseconds: what reading two clocks one after the other may be off by. */
const GRAIN = 0.05

const CLOCK = new URL('../../src/core/clock.ts', import.meta.url).href
const TELL = `
  import { parentPort } from 'node:worker_threads'
  import { systemClock } from '${CLOCK}'
  parentPort.on('message', () => parentPort.postMessage(systemClock.monotonic()))
`

describe('systemClock', () => {
  const workers: Worker[] = []
  afterAll(() => Promise.all(workers.map(worker => worker.terminate())))

  it('tells one monotonic time in all threads', async () => {
    for (let i = 0; i < 3; i++) {
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(TELL)}`), { execArgv: [] })
      workers.push(worker)
      for (let round = 0; round < 5; round++) {
        const before = systemClock.monotonic()
        worker.postMessage('now')
        const [told] = await once(worker, 'message')
        expect(told).toBeGreaterThan(before - GRAIN)
        expect(told).toBeLessThan(systemClock.monotonic() + GRAIN)
      }
    }
  })
})

describe('withTime', () => {
  it('holds the time of day while it lasts, and not after it, nor after a fault', async () => {
    const times: number[] = []
    withTime(() => {
      times.push(systemClock.now(), aboutNow())
      const until = performance.now() + 3
      while (performance.now() < until);
      times.push(systemClock.now(), aboutNow())
    })
    expect(times[2]).toBe(times[0])
    expect(times[3]).toBe(times[1])
    expect(aboutNow()).toBeGreaterThan((times[1] ?? 0) + 2.9)
    expect(() =>
      withTime(() => {
        throw new Error('a fault')
      }),
    ).toThrow('a fault')
    const after = aboutNow()
    const clock = systemClock.now()
    await new Promise(resolve => setTimeout(resolve, 5))
    expect(aboutNow()).toBeGreaterThan(after)
    expect(systemClock.now()).toBeGreaterThan(clock)
  })

  it('does not hold what counts for rates', () => {
    withTime(() => {
      const before = systemClock.monotonic()
      const until = performance.now() + 2
      while (performance.now() < until);
      expect(systemClock.monotonic()).toBeGreaterThan(before + 1.9)
    })
  })
})
