import { withImplicit } from '../checks/implicit.ts'
import type { GatewayConfig, RouteConfig } from '../config/model.ts'
import { type Check, denialsOf, type Member, type Stage, stageOf } from '../core/check.ts'
import { Offline, type SignedBy } from '../core/resources.ts'
import { Bridge } from '../forward/bridge.ts'
import type { Sender } from '../forward/exchange.ts'
import { planForward, signingKeyOf } from '../forward/normalise.ts'
import { type RouteEntry, RouteTable } from '../pipeline/match.ts'
import type { PlacedCheck, PlacedGreeter, Route } from '../pipeline/route.ts'
import { SecretFault } from '../signing/provider.ts'
import { TlsProblem } from '../tls/problem.ts'
import { BridgeTls, type KeptTls, type StandingTls } from './bridge-tls.ts'
import type { Loading } from './loading.ts'
import { senderOf } from './sender.ts'
import type { Upstreams } from './upstreams.ts'

/** Of a route that is offline: nothing is sent by it. */
const NOWHERE: Sender = {
  send: () => Promise.resolve({ ok: false, code: 'forward.unreachable', message: 'the route is offline' }),
}

/** Where no check sets a cap. */
const DEFAULT_BYTES = 1024 * 1024

/** The live routes of a config, and how to let go of them. */
export interface Compiled {
  /** By listener name. */
  readonly tables: ReadonlyMap<string, RouteTable>
  readonly routes: readonly Route[]
  /** Checks that only report, and lack something: they report nothing. */
  readonly silent: readonly Silent[]
  /** Routes whose files for their upstream's TLS do not fit, and that go on with those of before. */
  readonly kept: readonly KeptTls[]
  readonly standing: StandingTls
  close(): void
}

interface Silent {
  readonly route: string
  readonly check: string
  readonly missing: Offline
}

/**
 * Plain config to live routes. A route that lacks something is there, offline; nothing here refuses the config.
 * @param standing what routes spoke TLS to their upstreams with until now
 */
export function compile(
  config: GatewayConfig,
  loading: Loading,
  upstreams: Upstreams,
  standing: StandingTls = new Map(),
): Compiled {
  const bridgeTls = new BridgeTls(standing)
  const closers: (() => void)[] = []
  const silent: Silent[] = []
  const compiled = config.routes.map(route => ({
    config: route,
    entry: compileRoute(route, loading, { upstreams, bridgeTls, closers, silent }),
  }))
  const tables = new Map<string, RouteTable>()
  for (const listener of config.listeners) {
    const serves = ({ listener: wanted }: RouteConfig): boolean =>
      listener.acmeChallenges !== 'only' && (wanted === undefined || wanted === listener.name)
    const own = compiled.filter(({ config: route }) => serves(route))
    tables.set(listener.name, new RouteTable(own.map(({ entry }) => withPublicUrl(entry, listener.publicUrl))))
  }
  return {
    tables,
    routes: compiled.map(({ entry }) => entry.route),
    silent,
    kept: bridgeTls.kept,
    standing: bridgeTls.standing,
    close: () => {
      loading.close()
      for (const close of closers) close()
    },
  }
}

/** A route that listeners share takes the public URL of the listener that it's reached by. */
function withPublicUrl(entry: RouteEntry, publicUrl: string | undefined): RouteEntry {
  if (entry.route.publicUrl !== undefined || publicUrl === undefined) return entry
  return { ...entry, route: { ...entry.route, publicUrl } }
}

interface Common {
  readonly upstreams: Upstreams
  readonly bridgeTls: BridgeTls
  readonly closers: (() => void)[]
  readonly silent: Silent[]
}

function compileRoute(
  config: RouteConfig,
  loading: Loading,
  { upstreams, bridgeTls, closers, silent }: Common,
): RouteEntry {
  const resources = loading.resources(config.name, signedBy(config))
  const reporting = loading.resources(config.name, signedBy(config), true)
  const missing: Offline[] = []
  const attempt = <T>(make: () => T): T | undefined => {
    try {
      return make()
    } catch (error) {
      missing.push(asOffline(error))
      return undefined
    }
  }
  const placed: Record<Stage, PlacedCheck<never>[]> = { head: [], body: [], content: [] }
  const guards: PlacedCheck<never>[] = []
  const caps: Check<never>[] = []
  let unguarded = false
  let greets: Omit<PlacedGreeter, 'guards'> | undefined
  for (const [place, written] of withImplicit(config.checks, config.forward.stream).entries()) {
    const { kind, config: checkConfig, report = false } = written
    const make = () => kind.create(checkConfig as never, report ? reporting : resources)
    const check = report
      ? silently(make, missing => silent.push({ route: config.name, check: kind.name, missing }))
      : attempt(make)
    if (check === undefined) {
      unguarded ||= kind.beforeGreeting === true && !report
      continue
    }
    const entry = { name: kind.name, check, denials: denialsOf(kind, checkConfig), place, report }
    placed[stageOf(kind, checkConfig)].push(entry)
    if (check.close) closers.push(() => check.close?.())
    if (report) continue
    caps.push(check)
    if (kind.beforeGreeting) guards.push(entry)
    if (check.greeter) greets = { name: kind.name, greeter: check.greeter, denials: kind.denials }
  }
  const { sign } = config.forward
  const tls = attempt(() => bridgeTls.load(config, resources))
  const signingKey = sign && attempt(() => signingKeyOf(resources.secret(sign)))
  const sender = attempt(() => senderOf(config.forward, { resources, upstreams, tls, signingKey }))
  const lowest = (caps: readonly (number | undefined)[]): number =>
    Math.min(
      ...caps.filter(cap => cap !== undefined),
      caps.every(cap => cap === undefined) && !config.forward.stream ? DEFAULT_BYTES : Number.POSITIVE_INFINITY,
    )
  const prefix = config.match.pathPrefix
  const [first] = missing
  const route: Route = {
    name: config.name,
    methods: new Set(config.match.methods),
    publicUrl: config.publicUrl,
    offline: first && { reason: missing.map(each => each.message).join('; '), mend: first.mend },
    head: placed.head,
    body: placed.body,
    content: placed.content,
    // Handshakes are answered while the route is offline, but not where that is for want of a check that they must pass.
    ...(greets && !unguarded ? { greeter: { ...greets, guards } } : {}),
    limits: {
      body: lowest(caps.map(({ limits }) => limits?.body)),
      decoded: lowest(caps.map(({ limits }) => limits?.decoded)),
    },
    stream: config.forward.stream,
    websocket: config.forward.websocket,
    // A bridge may write the body anew, and sends late and again: it signs what leaves, when it leaves.
    plan: planForward(config.name, prefix, config.forward, sender instanceof Bridge ? undefined : signingKey),
    upstream: sender ?? NOWHERE,
  }
  return { route, host: config.match.host, path: prefix ?? config.match.path ?? '', prefix: prefix !== undefined }
}

/**
 * Only a missing resource is foreseen; anything else takes the route offline all the same, and is no reason to keep the
 * others from starting.
 */
function asOffline(error: unknown): Offline {
  if (error instanceof Offline) return error
  if (error instanceof SecretFault || error instanceof TlsProblem) return new Offline(error.message, error.mend)
  return new Offline(String(error), 'This is a fault of the gate. Please report it.')
}

/** What a check that only reports lacks takes no route offline. */
function silently<T>(make: () => T, tell: (missing: Offline) => void): T | undefined {
  try {
    return make()
  } catch (error) {
    tell(asOffline(error))
    return undefined
  }
}

/** By the first signature that is enforced; of several, by that of the service whose challenge is answered. */
export function signedBy({ checks }: Pick<RouteConfig, 'checks'>): SignedBy | undefined {
  const enforced = checks.filter(({ report }) => report !== true)
  const found = [...signatures(enforced)]
  const challenged = enforced.filter(({ kind }) => kind.name === 'challenge').flatMap(each => providerIn(each.config))
  // Another's secret would make a MAC that it must not make, and a wrong answer.
  const own = found.find(config => providerIn(config).some(id => challenged.includes(id))) ?? found[0]
  const [provider] = providerIn(own)
  const secrets =
    typeof own === 'object' && own !== null && 'secrets' in own && Array.isArray(own.secrets)
      ? (own.secrets as SignedBy['secrets'])
      : []
  return provider === undefined ? undefined : { provider, secrets }
}

function providerIn(config: unknown): readonly string[] {
  const is = typeof config === 'object' && config !== null && 'provider' in config
  return is && typeof config.provider === 'string' ? [config.provider] : []
}

/** The settings of each signature check, those inside other checks too. */
function* signatures(checks: readonly Pick<Member, 'kind' | 'config'>[]): Generator<unknown> {
  for (const { kind, config } of checks) {
    if (kind.name === 'signature') yield config
    yield* signatures(kind.members?.(config) ?? [])
  }
}
