import type { Clock } from '../core/clock.ts'
import { normalise, type Outbound } from '../forward/normalise.ts'
import type { UpstreamResult } from '../forward/upstream.ts'
import type { VerifiedRequest } from '../forward/verified.ts'
import { type BodySource, readContent, unreadBody } from './body.ts'
import type { RequestContext } from './context.ts'
import { greet } from './greet.ts'
import type { RouteTable } from './match.ts'
import { nearestRoute } from './nearest.ts'
import type { PlacedGreeter, Route } from './route.ts'
import { type Refusal, refuse, type Stop, Walk } from './walk.ts'

/** How one request ended, for the reply and the audit record. Exactly one of `stop` and `answer` is there. */
export interface Result {
  readonly route: Route | undefined
  readonly walk: Walk | undefined
  readonly stop: Stop | undefined
  readonly answer: UpstreamResult | undefined
  /** Milliseconds of `clock.monotonic`, waiting for the upstream; 0 where nothing was sent. */
  readonly upstreamMs: number
  /** `clock.monotonic` when it was sent; absent where nothing was. */
  readonly sentAt?: number
}

/** One request, from its head to the upstream's answer; at once where its head is refused. */
export function handle(
  request: RequestContext,
  source: BodySource,
  table: RouteTable,
  clock: Clock,
): Result | Promise<Result> {
  const match = table.match(request.method, request.host, request.path)
  const route = match.route
  if (route === undefined) return stopped(undefined, undefined, unmatched(request, match.methods, table))
  const { serverName } = request
  if (serverName !== undefined && serverName !== request.host && !agrees(serverName, request, route, table))
    return stopped(
      route,
      undefined,
      refuse('request.misdirected', { 'server-name': serverName.slice(0, 255), host: request.host }),
    )
  return route.greeter
    ? greeted(request, source, route, route.greeter, table, clock)
    : admit(request, source, route, clock)
}

async function greeted(
  request: RequestContext,
  source: BodySource,
  route: Route,
  greeter: PlacedGreeter,
  table: RouteTable,
  clock: Clock,
): Promise<Result> {
  const walk = new Walk(route)
  const stop = await greet(request, source, greeter, walk)
  if (stop) return stopped(route, walk, stop)
  // The method was let through for the handshake alone.
  if (!route.methods.has(request.method))
    return stopped(route, undefined, unmatched(request, [...route.methods], table))
  return admit(request, source, route, clock)
}

function admit(request: RequestContext, source: BodySource, route: Route, clock: Clock): Result | Promise<Result> {
  if (route.offline)
    return stopped(
      route,
      undefined,
      refuse('route.offline', { missing: route.offline.reason, mend: route.offline.mend }),
    )
  request.publicUrl =
    (route.publicUrl ?? `${request.encrypted ? 'https' : 'http'}://${request.authority}`) + request.target

  const walk = new Walk(route)
  // Most decisions are synchronous: awaiting them all the same would cost a turn of the queue each.
  const head = walk.head(request)
  const go = (stop: Stop | undefined): Result | Promise<Result> => {
    if (stop) return stopped(route, walk, stop)
    return route.stream ? stream(request, source, route, walk, clock) : pass(request, source, route, walk, clock)
  }
  return head instanceof Promise ? head.then(go) : go(head)
}

/** What has passed the checks of its head: reads the body, and goes on to the upstream. */
async function pass(
  request: RequestContext,
  source: BodySource,
  route: Route,
  walk: Walk,
  clock: Clock,
): Promise<Result> {
  const raw = await source.read(route.limits.body)
  if (!Buffer.isBuffer(raw)) return stopped(route, walk, unreadBody(raw, route.limits.body))
  request.raw = raw

  let stop = walk.body(request)
  if (stop instanceof Promise) stop = await stop
  if (stop) return stopped(route, walk, stop)

  let unreadable = readContent(request, route)
  if (unreadable instanceof Promise) unreadable = await unreadable
  if (unreadable) return stopped(route, walk, unreadable)

  let verified = walk.content(request)
  if (verified instanceof Promise) verified = await verified
  if ('kind' in verified) return stopped(route, walk, verified)

  const outbound = outboundOf(verified, route, clock)
  if ('kind' in outbound) return stopped(route, walk, outbound)
  const sentAt = clock.monotonic()
  const answer = await route.upstream.send(outbound)
  return { route, walk, stop: undefined, answer, upstreamMs: clock.monotonic() - sentAt, sentAt }
}

/**
 * Whether the name of the TLS handshake would have led here too (RFC 9110 section 7.4). What stands between sender and
 * gate, and chose by that name, must not have let a request through to another name's route.
 */
function agrees(serverName: string, { method, path }: RequestContext, route: Route, table: RouteTable): boolean {
  return table.match(method, serverName, path).route === route
}

/** What is left where nothing of the body is read: only checks of the head stand on such a route. */
async function stream(
  request: RequestContext,
  source: BodySource,
  route: Route,
  walk: Walk,
  clock: Clock,
): Promise<Result> {
  const verified = await walk.content(request)
  if ('kind' in verified) return stopped(route, walk, verified)
  const streams = source.upgrading && route.websocket ? webSocket(request) : { body: source.stream(route.limits.body) }
  if (streams === undefined)
    return stopped(route, walk, refuse('request.malformed', { rule: 'it is no WebSocket handshake (RFC 6455)' }))
  const outbound = outboundOf(verified, route, clock, streams)
  if ('kind' in outbound) return stopped(route, walk, outbound)
  const sentAt = clock.monotonic()
  const answer = await route.upstream.send(outbound)
  // A body that broke off is the sender's fault, whatever the upstream made of it.
  const fault = answer.ok ? undefined : (source.fault ?? (answer.bySender && 'timeout'))
  if (fault) return stopped(route, walk, unreadBody(fault, route.limits.body))
  return { route, walk, stop: undefined, answer, upstreamMs: clock.monotonic() - sentAt, sentAt }
}

/** What a handshake offers to the upstream; `undefined` where it is none. */
function webSocket({ headers, contentLength }: RequestContext): Outbound['streams'] {
  const version = headers.one('sec-websocket-version')
  const key = headers.one('sec-websocket-key')
  const known = version === '13' && typeof key === 'string' && /^[A-Za-z0-9+/]{22}==$/.test(key)
  if (!known || contentLength !== 0) return undefined
  const joined = (name: string): string | undefined => headers.all(name).join(', ') || undefined
  const offer = { protocols: joined('sec-websocket-protocol'), extensions: joined('sec-websocket-extensions') }
  return { body: undefined, upgrade: offer }
}

/** Facts that no field can hold are answered like any fault, so that what the checks have claimed is let go. */
function outboundOf(
  verified: VerifiedRequest,
  route: Route,
  clock: Clock,
  streams?: Outbound['streams'],
): Outbound | Refusal {
  try {
    return normalise(verified, route.plan, clock.now(), streams)
  } catch (error) {
    return refuse('gateway.fault', { error: error instanceof Error ? error.message : 'unknown' })
  }
}

function stopped(route: Route | undefined, walk: Walk | undefined, stop: Stop): Result {
  return { route, walk, stop, answer: undefined, upstreamMs: 0 }
}

function unmatched(request: RequestContext, methods: readonly string[], table: RouteTable): Refusal {
  if (methods.length > 0)
    return refuse('route.method', { method: request.method, allowed: methods }, [['Allow', methods.join(', ')]])
  return refuse('route.none', {
    host: request.host,
    path: request.path,
    ...nearestRoute(table, request.host, request.path, request.receivedAt),
  })
}
