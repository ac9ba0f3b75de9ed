import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'

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
