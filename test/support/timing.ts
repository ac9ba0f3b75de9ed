import { systemTiming, type Timing } from '../../src/forward/timing.ts'

/** Real time, run through so many times as fast. */
export const compressed = (factor: number): Timing => ({
  monotonic: () => systemTiming.monotonic() * factor,
  now: () => Date.now() * factor,
  after: (ms, run) => systemTiming.after(ms / factor, run),
})

/** Time that stands, and goes on to the next timer when all is quiet. */
export function virtualTiming(): Timing & { run(until: Promise<unknown>): Promise<void> } {
  let now = 1
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  return {
    monotonic: () => now,
    now: () => now,
    after(ms, run) {
      const timer = { at: now + ms, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    async run(until) {
      let ended = false
      void until.then(() => {
        ended = true
      })
      for (;;) {
        await new Promise(resolve => setImmediate(resolve))
        if (ended) return
        const [next] = [...timers].sort((a, b) => a.at - b.at)
        if (next === undefined) throw new Error('nothing will ever happen')
        timers.delete(next)
        now = Math.max(now, next.at)
        next.run()
      }
    },
  }
}
