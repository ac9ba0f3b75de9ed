import { dirname } from 'node:path'
import type { GatewayConfig } from '../config/model.ts'
import type { CapturedRequest } from '../core/captured.ts'
import { systemClock } from '../core/clock.ts'
import type { Sender } from '../forward/exchange.ts'
import type { Capture } from '../observe/captures.ts'
import type { Log } from '../observe/log.ts'
import type { Explanation } from '../pipeline/explanation.ts'
import { handle } from '../pipeline/handle.ts'
import { RouteTable } from '../pipeline/match.ts'
import { refuse } from '../pipeline/walk.ts'
import { MemoryClaims } from '../store/memory-claims.ts'
import { MemoryRates } from '../store/memory-rates.ts'
import type { ClientTrust } from '../tls/trust.ts'
import { loadTrustFiles } from '../tls/trust-files.ts'
import { auditOf } from './audit.ts'
import { bodyOf, contextOf } from './captured-context.ts'
import { refusalOf } from './capturing.ts'
import { compile } from './compile.ts'
import { dryState, explainCapture } from './explainer.ts'
import { Loading, type State } from './loading.ts'
import { POLICY_CODE, PolicyFault } from './policy.ts'
import { Remotes } from './remotes.ts'
import { Upstreams } from './upstreams.ts'

/** Milliseconds that documents by URL are waited for. */
const DOCUMENTS_MS = 5_000
/** Takes everything and sends nothing. */
const NOWHERE: Sender = {
  send: () => Promise.resolve({ ok: true, status: 200, headers: [], body: Buffer.alloc(0) }),
}

/**
 * What a config would say of a request that no gate has seen: its checks are asked one after the other, nothing is
 * counted, claimed or sent, and the clock stands where the request was received.
 * @throws TlsProblem where it has client certificates and what they are judged by can't be read
 */
export async function explainOffline(
  captured: CapturedRequest,
  config: GatewayConfig,
  env: NodeJS.ProcessEnv,
  log: Log,
): Promise<Explanation> {
  const remotes = new Remotes(systemClock, log)
  const rates = new MemoryRates({ clock: systemClock, capacity: 1 })
  const claims = new MemoryClaims({ clock: systemClock, capacity: 1 })
  const state: State = { clock: systemClock, rates, claims, remotes, log }
  const dry = dryState(state, captured.receivedAt)
  const loading = new Loading(dirname(config.file), env, dry)
  const upstreams = new Upstreams()
  const compiled = compile(config, loading, upstreams)
  try {
    await loading.settled(DOCUMENTS_MS)
    const entries = compiled.tables.get(captured.listener)?.entries ?? []
    const table = new RouteTable(entries.map(entry => ({ ...entry, route: { ...entry.route, upstream: NOWHERE } })))
    const trust = captured.clientCertificates.length > 0 ? trustOf(captured, config, loading) : undefined
    const judged = captured.refusal ? asRecorded(captured, table) : await judge(captured, table, dry, trust)
    return await explainCapture(judged, { config, env, state, trust: () => trust })
  } finally {
    compiled.close()
    upstreams.close()
    await remotes.close()
  }
}

/** What the listener judges client certificates by, read as it does; `undefined` where it asks for none. */
function trustOf(
  { listener, receivedAt }: CapturedRequest,
  { listeners }: GatewayConfig,
  loading: Loading,
): ClientTrust | undefined {
  const own = listeners.find(({ name }) => name === listener)
  const ca = own?.proxyClientCert ?? own?.tls
  if (ca?.['client-ca'] === undefined) return undefined
  const files = { 'client-ca': ca['client-ca'], 'client-crl': ca['client-crl'] }
  return loadTrustFiles(
    files,
    path => loading.read(path),
    path => loading.list(path),
    receivedAt,
  )
}

/** Where the file says how it ended, and masks what a check would have to see. */
function asRecorded(captured: CapturedRequest, table: RouteTable): Capture {
  const { refusal } = captured
  const context = contextOf(captured)
  const matched =
    context instanceof PolicyFault ? undefined : table.match(context.method, context.host, context.path).route
  const record = auditOf({
    id: captured.id,
    listener: captured.listener,
    method: captured.method,
    path: context instanceof PolicyFault ? captured.target : context.path,
    source: captured.source,
    result: { route: matched, walk: undefined, stop: undefined, answer: undefined, upstreamMs: 0 },
    status: refusal?.status ?? 0,
    bytesIn: captured.bodyBytes,
    bytesOut: 0,
    totalMs: 0,
  })
  return {
    request: { ...captured, route: captured.route ?? matched?.name },
    record: { ...record, outcome: 'refused' },
    code: refusal?.code ?? '',
    wouldRefuse: [],
    principal: undefined,
  }
}

async function judge(captured: CapturedRequest, table: RouteTable, { clock }: State, trust: ClientTrust | undefined) {
  const context = contextOf(captured, { trust })
  const result =
    context instanceof PolicyFault
      ? {
          route: undefined,
          walk: undefined,
          stop: refuse(POLICY_CODE[context.kind], { rule: context.rule }),
          answer: undefined,
          upstreamMs: 0,
        }
      : await handle(context, bodyOf(captured.body), table, clock)
  const { stop, walk } = result
  const record = auditOf({
    id: captured.id,
    listener: captured.listener,
    method: captured.method,
    path: context instanceof PolicyFault ? captured.target : context.path,
    source: captured.source,
    result,
    status: stop?.kind === 'refusal' ? stop.spec.status : stop?.kind === 'reply' ? stop.reply.status : 0,
    bytesIn: captured.bodyBytes,
    bytesOut: 0,
    totalMs: 0,
  })
  const refusal = refusalOf(record, stop?.kind === 'refusal' ? stop.by : undefined)
  const { principal, principalBy = 'a check' } = walk?.facts ?? {}
  return {
    request: { ...captured, route: result.route?.name, refusal },
    record,
    code: record.code ?? '',
    wouldRefuse: record.wouldRefuse ?? [],
    principal: principal === undefined ? undefined : { name: principal, by: principalBy },
  }
}
