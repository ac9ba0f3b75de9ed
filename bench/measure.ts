import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Load, load } from './load.ts'
import type { Peer } from './peers/peer.ts'
import { cpuOf, residentOf } from './proc.ts'
import { freePort, pinned, type Running, startServer } from './processes.ts'
import { prove } from './proof.ts'
import { startWitness } from './upstream.ts'
import type { Work } from './work.ts'

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
  readonly port: number
  readonly folder: string
  /** Bytes resident before the first request. */
  readonly atRest: number
}

async function start(peer: Peer, root: string, upstream: number): Promise<Started> {
  const folder = mkdtempSync(join(root, `${peer.name}-`))
  const port = await freePort()
  const server = await startServer(
    pinned(PEER_CORE, peer.command({ folder, port, upstream })),
    port,
    join(folder, 'output.log'),
  )
  await sleep(300)
  return { peer, server, port, folder, atRest: residentOf(server.pid) }
}

/** Sends good and bad webhooks through an instance of its own. @returns the peer's faults. */
export async function proveOnce(peer: Peer, root: string): Promise<string[]> {
  const witness = await startWitness()
  try {
    const { server, port } = await start(peer, root, witness.port)
    try {
      return await prove(peer, port, witness)
    } finally {
      await server.stop()
    }
  } finally {
    await witness.close()
  }
}

export const startForLoad = start

/** What is wrong with a load's answers; `undefined` where all are as the work wants them. */
export function fault(work: Pick<Work, 'refused'>, { requests, refusals, errors }: Load): string | undefined {
  if (requests === 0) return 'answered nothing'
  if (errors > 0) return `${errors} connections failed or timed out`
  if (!work.refused && refusals > 0) return `refused ${refusals} of ${requests} valid requests`
  return work.refused && refusals < requests ? `let ${requests - refusals} of ${requests} requests through` : undefined
}

/** @throws where an answer was not what the work wants. */
export async function sample(started: Started, work: Work, connections: number, seconds: number): Promise<Sample> {
  const { server, port, folder } = started
  const before = cpuOf(server.pid)
  const from = performance.now()
  const running = load({ port, request: work.request, connections, seconds, core: OTHER_CORE, folder })
  const [result, resident] = await Promise.all([
    running,
    sleep(seconds * 800, undefined, { ref: false }).then(() => residentOf(server.pid)),
  ])
  const cpu = cpuOf(server.pid) - before
  const wrong = fault(work, result)
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
