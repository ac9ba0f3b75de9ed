import type { Ledger } from '../../src/core/stores.ts'
import { Bridge } from '../../src/forward/bridge.ts'
import type { Outbound } from '../../src/forward/normalise.ts'
import { Turnstile } from '../../src/forward/turnstile.ts'
import { Upstream } from '../../src/forward/upstream.ts'
import { compressed } from '../support/timing.ts'

/** Sends so many to a receiver, at its pace. */
export async function send(
  ledger: Ledger,
  to: string,
  count: number,
  factor: number,
): Promise<readonly (number | string)[]> {
  const timing = compressed(factor)
  const settings = {
    rate: { count: 60, periodMs: 60_000 },
    burst: 10,
    concurrency: Number.POSITIVE_INFINITY,
    maxWait: 1e9,
    maxQueue: count,
  }
  const upstream = new Upstream(to, { connect: 5_000, response: 20_000 })
  const bridge = new Bridge({
    upstream,
    credentials: [],
    shaper: undefined,
    turnstile: new Turnstile(settings, ledger, timing),
    breaker: undefined,
    retry: undefined,
    patience: 0,
    timing,
    counts: { retries: 0 },
  })
  const outbound: Outbound = { id: 'ID', method: 'POST', path: '/', headers: [], body: Buffer.from('{}') }
  // A gate's waiting requests hold sockets; here nothing else keeps the thread alive.
  const alive = setInterval(() => undefined, 1000)
  const results = await Promise.all(Array.from({ length: count }, () => bridge.send(outbound)))
  upstream.destroy()
  clearInterval(alive)
  return results.map(result => (result.ok ? result.status : result.code))
}
