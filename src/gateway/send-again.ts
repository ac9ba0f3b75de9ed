import { dirname } from 'node:path'
import { isCut } from '../core/captured.ts'
import type { Clock } from '../core/clock.ts'
import { requestId } from '../core/request-id.ts'
import type { AuditRecord } from '../observe/audit.ts'
import type { Capture } from '../observe/captures.ts'
import { handle, type Result } from '../pipeline/handle.ts'
import type { RouteTable } from '../pipeline/match.ts'
import { auditOf } from './audit.ts'
import type { StandingTls } from './bridge-tls.ts'
import { bodyOf, contextOf } from './captured-context.ts'
import { compile } from './compile.ts'
import type { Explainable } from './explainer.ts'
import { Loading } from './loading.ts'
import { PolicyFault } from './policy.ts'
import type { Upstreams } from './upstreams.ts'

/** Which time the checks are told: `now`, so that what has expired is refused, or that of the capture. */
export type At = 'now' | 'received'

/** How it went: the audit record of the new request. */
export type SentAgain = AuditRecord | { readonly cannot: 'cut' | 'restored' | 'no-request' }

export interface Sending extends Explainable {
  readonly upstreams: Upstreams
  /** What the routes in force speak TLS to their upstreams with. */
  readonly standing: StandingTls
  /** The routes in force of a listener. */
  tableOf(listener: string): RouteTable | undefined
  readonly record: (record: AuditRecord) => void
  readonly fault: (where: string, error: unknown) => void
}

/**
 * Sends a capture through the config in force, as if its sender had sent it anew: every check decides, what is counted
 * and claimed counts, and the upstream gets it where all pass. With `received` the checks' clock begins at the time of
 * the capture, so that a signature that has aged since is judged as it was then.
 */
export async function sendAgain(
  { request: captured, restored }: Capture,
  at: At,
  sending: Sending,
): Promise<SentAgain> {
  if (restored === true) return { cannot: 'restored' }
  if (isCut(captured)) return { cannot: 'cut' }
  const { state } = sending
  const { clock } = state
  const now = clock.now()
  const id = requestId(now)
  const receivedAt = at === 'received' ? captured.receivedAt : now
  const context = contextOf(captured, { id, receivedAt, trust: sending.trust(captured.listener) })
  const own = sending.tableOf(captured.listener)
  if (context instanceof PolicyFault || own === undefined) return { cannot: 'no-request' }
  const then = at === 'received' ? recompiled(captured.route, sending, since(clock, captured.receivedAt)) : undefined
  try {
    const startedAt = clock.monotonic()
    const table = then?.table(captured.listener) ?? own
    const result = await handle(context, bodyOf(captured.body), table, clock)
    const bytesOut = await drained(result)
    const { answer, walk, stop } = result
    const status =
      stop?.kind === 'reply' ? stop.reply.status : stop ? stop.spec.status : answer?.ok ? answer.status : 502
    const record = auditOf({
      id,
      listener: captured.listener,
      method: captured.method,
      path: context.path,
      source: captured.source,
      result,
      status,
      bytesIn: captured.body.length,
      bytesOut,
      totalMs: clock.monotonic() - startedAt,
    })
    sending.record(record)
    await walk
      ?.settle(answer?.ok && answer.status < 300 ? 'delivered' : 'not-delivered')
      .catch(error => sending.fault('settle', error))
    return record
  } finally {
    then?.close()
  }
}

/** A clock that began at a past time when this was called. */
function since(clock: Clock, past: number): Clock {
  const begun = clock.now()
  return { now: () => past + clock.now() - begun, monotonic: () => clock.monotonic() }
}

/** The capture's route, with checks of their own that go by another clock. */
function recompiled(route: string | undefined, { config, env, state, upstreams, standing }: Sending, clock: Clock) {
  const loading = new Loading(dirname(config.file), env, { ...state, clock })
  const routes = config.routes.filter(({ name }) => name === route)
  const compiled = compile({ ...config, routes }, loading, upstreams, standing)
  return { table: (listener: string) => compiled.tables.get(listener), close: () => compiled.close() }
}

/** The answer is nobody's: it is read to its end, so that its connection can be used again. */
async function drained({ answer }: Result): Promise<number> {
  if (!answer?.ok) return 0
  answer.tunnel?.socket.destroy()
  if (Buffer.isBuffer(answer.body)) return answer.body.length
  let bytes = 0
  try {
    for await (const chunk of answer.body) bytes += Buffer.byteLength(chunk as Buffer)
  } catch {
    // What the upstream broke off has been sent all the same.
  }
  return bytes
}
