import { dirname } from 'node:path'
import { implicitChecks, withImplicit } from '../checks/implicit.ts'
import type { GatewayConfig, RouteConfig } from '../config/model.ts'
import type { CapturedRequest } from '../core/captured.ts'
import type { Clock } from '../core/clock.ts'
import type { ClaimStore, RateStore } from '../core/stores.ts'
import type { Capture } from '../observe/captures.ts'
import { explain } from '../pipeline/explain.ts'
import type { Explanation } from '../pipeline/explanation.ts'
import type { RouteCheck } from '../pipeline/route.ts'
import type { ClientTrust } from '../tls/trust.ts'
import { contextOf } from './captured-context.ts'
import { signedBy } from './compile.ts'
import { Loading, type State } from './loading.ts'
import { PolicyFault } from './policy.ts'

/** Every bucket is full, and stays so. */
const FULL: RateStore = { take: (_key, burst) => ({ allowed: true, remaining: burst, retryAfterMs: 0, resetMs: 0 }) }
/** Every event is new, and none is remembered. */
const FRESH: ClaimStore = { claim: () => 'fresh', keep: () => undefined, release: () => undefined }

/** State in which nothing is counted, claimed or written, and time stands. @param now epoch milliseconds */
export function dryState(state: State, now: number): State {
  const clock: Clock = { now: () => now, monotonic: () => 0 }
  return { ...state, clock, rates: FULL, claims: FRESH, reporting: { rates: FULL, claims: FRESH }, dry: true }
}

/** What explaining needs to know of a config in force, or of one that was loaded to explain by. */
export interface Explainable {
  readonly config: GatewayConfig
  readonly env: NodeJS.ProcessEnv
  readonly state: State
  /** What client certificates of a listener are judged by. */
  trust(listener: string): ClientTrust | undefined
}

/** Explains a capture by the config as it is: as it was received, at the time that it was. */
export async function explainCapture(capture: Capture, explainable: Explainable): Promise<Explanation> {
  const { request: captured, record, wouldRefuse, principal } = capture
  const { config, env, state } = explainable
  const loading = new Loading(dirname(config.file), env, dryState(state, captured.receivedAt))
  try {
    const route = config.routes.find(({ name }) => name === captured.route)
    const context = contextOf(captured, { trust: explainable.trust(captured.listener) })
    const request = context instanceof PolicyFault ? undefined : context
    if (request) request.raw = captured.body
    if (request && route) request.publicUrl = publicUrlOf(captured, route, config, request.authority)
    const others = config.routes.filter(other => other !== route)
    return await explain({
      captured,
      request,
      outcome: record.outcome,
      status: record.status,
      wouldRefuse,
      principal,
      checks: route && checksOf(route, loading),
      sends: route && { route: route.name, forward: route.forward, secret: ref => loading.secret(ref) },
      clues: record.outcome === 'forwarded' ? record.evidence : undefined,
      elsewhere: others.flatMap(other => checksOf(other, loading).map(check => ({ route: other.name, check }))),
      limits: limitsOf(capture, route),
    })
  } finally {
    loading.close()
  }
}

function publicUrlOf(
  { encrypted, target, listener }: CapturedRequest,
  route: RouteConfig,
  { listeners }: GatewayConfig,
  authority: string,
): string {
  const own = route.publicUrl ?? listeners.find(({ name }) => name === listener)?.publicUrl
  return (own ?? `${encrypted ? 'https' : 'http'}://${authority}`) + target
}

function checksOf(route: RouteConfig, loading: Loading): RouteCheck[] {
  const resources = loading.resources(route.name, signedBy(route))
  return withImplicit(route.checks, route.forward.stream).map(check => ({
    kind: check.kind,
    config: check.config,
    report: check.report === true,
    implied: implicitChecks.includes(check),
    resources,
  }))
}

function limitsOf({ request, restored }: Capture, route: RouteConfig | undefined): string[] {
  const limits: string[] = []
  if (request.route !== undefined && route === undefined)
    limits.push(`The route ${request.route} is no more: only what was recorded can be told.`)
  if (restored === true)
    limits.push('It was kept on disk, masked: what was recorded is told, and nothing can be tried over it.')
  return limits
}
