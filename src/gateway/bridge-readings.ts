import { Bridge } from '../forward/bridge.ts'
import { OAuth2 } from '../forward/credentials/oauth2.ts'
import type { BridgeReading } from '../observe/bridge-metrics.ts'
import type { Route } from '../pipeline/route.ts'

/** How the bridges among the routes stand, for metrics. */
export function* bridgeReadings(routes: readonly Route[]): Generator<BridgeReading> {
  for (const { name, upstream } of routes) {
    if (!(upstream instanceof Bridge)) continue
    const { turnstile, breaker, credentials, counts } = upstream.parts
    yield {
      route: name,
      waiting: turnstile?.waiting,
      retries: counts.retries,
      breaker: breaker?.state,
      tokens: credentials.find(credential => credential instanceof OAuth2)?.counts,
    }
  }
}
