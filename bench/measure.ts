import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Load, load } from './load.ts'
import type { Peer, Site } from './peers/peer.ts'
import { cpuOf, residentOf } from './proc.ts'
import { freePort, pinned, type Running, startServer } from './processes.ts'
import { prove } from './proof.ts'
import { issueTlsFiles, trusted } from './tls-files.ts'
import { startWitness } from './upstream.ts'
import type { Setting, Work } from './work.ts'

/** The peer has one core to itself; the load generator and the upstream share the other. */
export const PEER_CORE = 1
export const OTHER_CORE = 0

/** One measurement of one peer. */
export interface Sample {
  /** Microseconds of processor time a request, of the peer's whole process tree. */
  readonly cpuUs: number
  readonly perSecond: number
  /** Microseconds. */
  readonly p50: number
  readonly p99: number
  /** Bytes resident under load. */
  readonly resident: number
  /** How much of one core the peer used, 0 to 1; well under 1 where something else held it up. */
  readonly busy: number
}

export interface Started {
  readonly peer: Peer
  readonly server: Running
  readonly site: Site
  /** Bytes resident before the first request. */
  readonly atRest: number
}

/** Starts an instance of its own, in its own folder below `root`, on a core of its own. */
export async function start(peer: Peer, root: string, upstream: number, setting: Setting): Promise<Started> {
  const folder = mkdtempSync(join(root, `${peer.name}-`))
  const port = await freePort()
  const site: Site = {
    folder,
    port,
    upstream,
    cap: setting.cap,
    ...(setting.tls === 'off' ? {} : { tls: await issueTlsFiles(folder, setting.tls === 'mutual') }),
  }
  const server = await startServer(pinned([PEER_CORE], peer.command(site)), port, join(folder, 'output.log'))
  await sleep(300)
  return { peer, server, site, atRest: residentOf(server.pid) }
}

/** Sends good and bad webhooks through an instance of its own. @returns the peer's faults. */
export async function proveOnce(peer: Peer, root: string, setting: Setting): Promise<string[]> {
  const witness = await startWitness()
  try {
    const { server, site } = await start(peer, root, witness.port, setting)
    try {
      return await prove(peer, site, witness)
    } finally {
      await server.stop()
    }
  } finally {
    await witness.close()
  }
}

/**
 * What is wrong with a load's answers; `undefined` where all are as the work wants them.
 * @param connections on each of which one request may have no answer yet when the time is over
 */
export function fault(
  work: Pick<Work, 'refused' | 'admits'>,
  { requests, refusals, errors, problem }: Load,
  connections = 0,
): string | undefined {
  if (errors > 0)
    return `${errors} connections failed or timed out${problem === undefined ? '' : `, the first: ${problem}`}`
  if (requests === 0) return 'answered nothing'
  if (work.refused === 'half')
    return Math.abs(2 * refusals - requests) <= connections ? undefined : `refused ${refusals} of ${requests}, not half`
  if (!work.refused && refusals > 0) return `refused ${refusals} of ${requests} valid requests`
  const passed = requests - refusals
  return work.refused && passed > (work.admits ?? 0) ? `let ${passed} of ${requests} requests through` : undefined
}

/**
 * @param rate requests a second, for a work whose requests arrive at a rate of their own; 0: as many as are answered
 * @throws where an answer was not what the work wants.
 */
export async function sample(
  { server, site }: Started,
  work: Work,
  connections: number,
  seconds: number,
  rate = 0,
): Promise<Sample> {
  const before = cpuOf(server.pid)
  const from = performance.now()
  const running = load({
    port: site.port,
    request: work.request,
    alternate: work.alternate,
    arrival: work.arrival,
    rate,
    tls: site.tls && trusted(site.tls),
    vary: work.vary,
    connections,
    seconds,
    core: OTHER_CORE,
    folder: site.folder,
  })
  const [result, resident] = await Promise.all([
    running,
    sleep(seconds * 800, undefined, { ref: false }).then(() => residentOf(server.pid)),
  ])
  const cpu = cpuOf(server.pid) - before
  const wrong = fault(work, result, connections)
  if (wrong !== undefined) throw new Error(wrong)
  return {
    cpuUs: cpu / result.requests,
    perSecond: result.requests / result.duration,
    p50: result.p50,
    p99: result.p99,
    resident,
    busy: cpu / ((performance.now() - from) * 1000),
  }
}

/** Of instances that were measured at the same time, as if they were one. */
export function together(samples: readonly Sample[]): Sample {
  const sum = (of: (one: Sample) => number): number => samples.reduce((all, one) => all + of(one), 0)
  const perSecond = sum(one => one.perSecond)
  return {
    cpuUs: sum(one => one.cpuUs * one.perSecond) / perSecond,
    perSecond,
    p50: sum(one => one.p50 * one.perSecond) / perSecond,
    p99: Math.max(...samples.map(one => one.p99)),
    resident: sum(one => one.resident),
    busy: sum(one => one.busy),
  }
}
