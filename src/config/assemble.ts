import { dirname, resolve } from 'node:path'
import { parseNetwork } from '../core/address.ts'
import type { AnyCheckKind } from '../core/check.ts'
import type { CapturesConfig, CheckConfig, GatewayConfig, ListenerConfig, RouteConfig } from './model.ts'
import type { FileShape } from './shape.ts'
import { originOf } from './url.ts'
import { absoluteBind } from './values.ts'

/** The validated file as the gateway's own model. */
export function assemble(shape: FileShape, file: string, kinds: readonly AnyCheckKind[]): GatewayConfig {
  const folder = dirname(file)
  return {
    file,
    workers: shape.workers,
    listeners: shape.listeners.map(listener => toListener(listener, folder)),
    ...(shape.admin ? { admin: { ...shape.admin, bind: absoluteBind(shape.admin.bind, folder) } } : {}),
    captures: toCaptures(shape.captures, folder),
    ...(shape.alerts ? { alerts: shape.alerts } : {}),
    ...(shape.telemetry ? { telemetry: shape.telemetry } : {}),
    routes: shape.routes.map(route => toRoute(route, kinds)),
  }
}

function toListener(listener: FileShape['listeners'][number], folder: string): ListenerConfig {
  const { limits } = listener
  return {
    name: listener.name,
    bind: absoluteBind(listener.bind, folder),
    tls: listener.tls,
    publicUrl: origin(listener['public-url']),
    trustedProxies: listener['trusted-proxies'].flatMap(text => parseNetwork(text) ?? []),
    proxyProtocol: listener['proxy-protocol'] && {
      from: listener['proxy-protocol'].from.flatMap(text => parseNetwork(text) ?? []),
    },
    proxyClientCert: listener['proxy-client-cert'],
    acmeChallenges: listener['acme-challenges'],
    limits: {
      connections: limits.connections,
      requests: limits.requests,
      head: limits.head,
      request: limits.request,
      idle: limits.idle,
      headBytes: limits['head-bytes'],
      headers: limits.headers,
    },
  }
}

function toCaptures(captures: FileShape['captures'], folder: string): CapturesConfig {
  const { keep, age, 'max-body': maxBody, mask, dir } = captures
  return { keep, age, maxBody, mask, ...(dir === undefined ? {} : { dir: resolve(folder, dir) }) }
}

function toRoute(route: FileShape['routes'][number], kinds: readonly AnyCheckKind[]): RouteConfig {
  return {
    name: route.name,
    listener: route.listener,
    match: {
      path: route.match.path,
      pathPrefix: route.match['path-prefix'],
      host: route.match.host,
      methods: [...new Set(route.match.methods)],
    },
    publicUrl: origin(route['public-url']),
    checks: route.checks.flatMap(item => toCheck(item, kinds)),
    forward: route.forward,
  }
}

function toCheck(item: Readonly<Record<string, unknown>>, kinds: readonly AnyCheckKind[]): CheckConfig[] {
  const report = item.mode === 'report' ? { report: true } : {}
  return kinds
    .filter(({ name }) => item[name] !== undefined)
    .map(kind => ({ kind, config: item[kind.name], ...report }))
}

/** Without a trailing slash, so that the request's target follows as it is. */
const origin = (url: string | undefined): string | undefined => (url === undefined ? undefined : originOf(url))
