import { basename, dirname } from 'node:path'
import { implicitChecks, withImplicit } from '../checks/implicit.ts'
import { networkText } from '../core/address.ts'
import { type AnyCheckKind, stageOf } from '../core/check.ts'
import type { SecretRef } from '../core/secret.ts'
import { forwardConfig } from '../forward/config.ts'
import { alertsConfig } from '../observe/alerts/config.ts'
import { telemetryConfig } from '../observe/otlp/config.ts'
import type { CapturesConfig, CheckConfig, GatewayConfig, ListenerConfig, RouteConfig, RouteMatch } from './model.ts'
import { flow, type PlanValue, planValue, type ShowSecret } from './plan-values.ts'
import { inputSchema, type JsonSchema } from './schema.ts'
import { resolveSecret } from './secrets.ts'
import { captures, listenerShape } from './shape.ts'
import { formatBind } from './values.ts'

/** What the gate will do, every default filled in; for `check --plan --json`. It holds no secret. */
export interface Plan {
  readonly file: string
  readonly workers: number | 'auto'
  readonly listeners: readonly Readonly<Record<string, PlanValue>>[]
  readonly admin: Readonly<Record<string, PlanValue>> | null
  readonly alerts?: PlanValue
  readonly telemetry?: PlanValue
  /** In match order: a request takes the first that fits. */
  readonly captures: Readonly<Record<string, PlanValue>>
  readonly routes: readonly PlannedRoute[]
}

export interface PlannedRoute {
  readonly name: string
  readonly listener: string | null
  readonly match: Readonly<Record<string, PlanValue>>
  readonly 'public-url': string | null
  readonly checks: readonly PlannedCheck[]
  readonly forward: PlanValue
}

export interface PlannedCheck {
  readonly check: string
  readonly stage: string
  readonly settings: PlanValue
  /** Not written in the file: every route has it. */
  readonly implied: boolean
  /** It only reports what it would refuse. */
  readonly report: boolean
}

/**
 * A named host goes before any host, an exact path before a prefix, a longer prefix before a shorter one; so that the
 * order in the file never decides.
 */
export function compareMatch(a: RouteMatch, b: RouteMatch): number {
  const host = Number(a.host === undefined) - Number(b.host === undefined)
  if (host !== 0) return host
  const exact = Number(a.path === undefined) - Number(b.path === undefined)
  return exact !== 0 ? exact : (b.pathPrefix ?? '').length - (a.pathPrefix ?? '').length
}

/** @param env where `env:` secrets are looked up for their fingerprints. */
export function planOf(config: GatewayConfig, env: NodeJS.ProcessEnv): Plan {
  const folder = dirname(config.file)
  const show: ShowSecret = ref => showSecret(ref, env, folder)
  const { admin } = config
  return {
    file: config.file,
    workers: config.workers,
    listeners: config.listeners.map(listener => plannedListener(listener, show)),
    admin: admin
      ? { bind: formatBind(admin.bind), token: planValue(admin.token, undefined, show), names: admin.names }
      : null,
    captures: plannedCaptures(config.captures),
    ...(config.alerts ? { alerts: planValue(config.alerts, inputSchema(alertsConfig), show) } : {}),
    ...(config.telemetry ? { telemetry: planValue(config.telemetry, inputSchema(telemetryConfig), show) } : {}),
    routes: config.routes.toSorted((a, b) => compareMatch(a.match, b.match)).map(route => plannedRoute(route, show)),
  }
}

function plannedCaptures({ maxBody, dir, ...rest }: CapturesConfig): Readonly<Record<string, PlanValue>> {
  const schema = inputSchema(captures)
  const value = planValue({ ...rest, 'max-body': maxBody, dir: dir ?? null }, schema, () => '')
  return value as Readonly<Record<string, PlanValue>>
}

function showSecret(ref: SecretRef, env: NodeJS.ProcessEnv, folder: string): string {
  const { secret, problem } = resolveSecret(ref, env, folder)
  return `${ref} (${secret?.fingerprint ?? problem?.kind ?? 'missing'})`
}

function plannedListener(listener: ListenerConfig, show: ShowSecret): Readonly<Record<string, PlanValue>> {
  const { limits } = listener
  const written = { ...limits, 'head-bytes': limits.headBytes, headBytes: undefined }
  const schemas = inputSchema(listenerShape).properties
  return {
    name: listener.name,
    bind: formatBind(listener.bind),
    tls: planValue(listener.tls, schemas?.tls as JsonSchema | undefined, show),
    'public-url': listener.publicUrl ?? null,
    'trusted-proxies': listener.trustedProxies.map(networkText),
    ...(listener.proxyProtocol ? { 'proxy-protocol': { from: listener.proxyProtocol.from.map(networkText) } } : {}),
    ...(listener.proxyClientCert ? { 'proxy-client-cert': planValue(listener.proxyClientCert, undefined, show) } : {}),
    ...(listener.acmeChallenges ? { 'acme-challenges': listener.acmeChallenges } : {}),
    limits: planValue(written, schemas?.limits as JsonSchema | undefined, show),
  }
}

function plannedRoute(route: RouteConfig, show: ShowSecret): PlannedRoute {
  const { match } = route
  return {
    name: route.name,
    listener: route.listener ?? null,
    match: {
      ...(match.path === undefined ? {} : { path: match.path }),
      ...(match.pathPrefix === undefined ? {} : { 'path-prefix': match.pathPrefix }),
      host: match.host ?? null,
      methods: match.methods,
    },
    'public-url': route.publicUrl ?? null,
    checks: withImplicit(route.checks, route.forward.stream).map(check =>
      plannedCheck(
        check,
        show,
        implicitChecks.some(implicit => implicit === check),
      ),
    ),
    forward: planValue(route.forward, inputSchema(forwardConfig), show),
  }
}

function plannedCheck({ kind, config, report = false }: CheckConfig, show: ShowSecret, implied: boolean): PlannedCheck {
  return { check: kind.name, stage: stageOf(kind, config), settings: settingsOf(kind, config, show), implied, report }
}

/** Of a check that is made of others, the settings of each, as the file has them. */
function settingsOf(kind: AnyCheckKind, config: unknown, show: ShowSecret): PlanValue {
  if (!kind.members) return planValue(config, inputSchema(kind.config), show)
  return kind.members(config).map(each => ({ [each.kind.name]: settingsOf(each.kind, each.config, show) }))
}

/** The plan as text: listeners, then routes in match order with every check and its settings. */
export function formatPlan(config: GatewayConfig, env: NodeJS.ProcessEnv): string {
  const plan = planOf(config, env)
  const lines = [`config   ${basename(plan.file)}`, `workers  ${plan.workers}`]
  for (const listener of plan.listeners) lines.push('', `listener ${listener.name}`, ...block(listener, ['name']))
  lines.push('', ...(plan.admin ? ['admin', ...block(plan.admin, [])] : ['admin    none']))
  lines.push('', 'captures', ...block(plan.captures, []))
  for (const key of ['alerts', 'telemetry'] as const) {
    const part = plan[key]
    if (part !== undefined) lines.push('', key, ...block(part as Readonly<Record<string, PlanValue>>, []))
  }
  for (const route of plan.routes) lines.push('', ...routeLines(route))
  return `${lines.join('\n')}\n`
}

function block(values: Readonly<Record<string, PlanValue>>, without: readonly string[]): string[] {
  const keys = Object.keys(values).filter(key => !without.includes(key))
  const width = Math.max(...keys.map(key => key.length))
  return keys.map(key => `  ${key.padEnd(width)}  ${flow(values[key] ?? null)}`)
}

function routeLines(route: PlannedRoute): string[] {
  const { match } = route
  const path = match.path ?? `${match['path-prefix']}*`
  const methods = Array.isArray(match.methods) ? match.methods.join(', ') : ''
  const width = Math.max('public-url'.length, ...route.checks.map(({ check }) => check.length))
  const row = (key: string, stage: string, text: string) =>
    `  ${key.padEnd(width)}  ${stage.padEnd(7)}  ${text}`.trimEnd()
  return [
    `route ${route.name}`,
    row(
      'match',
      '',
      `${methods} ${path}, ${match.host === null ? 'any host' : `host ${match.host}`}, ${route.listener === null ? 'every listener' : `listener ${route.listener}`}`,
    ),
    ...(route['public-url'] === null ? [] : [row('public-url', '', route['public-url'])]),
    ...route.checks.map(({ check, stage, settings, implied, report }) =>
      row(check, stage, `${flow(settings)}${implied ? '  (default)' : ''}${report ? '  (reports only)' : ''}`),
    ),
    row('forward', '', flow(route.forward)),
  ]
}
