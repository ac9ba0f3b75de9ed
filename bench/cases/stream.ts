import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FigureRow, Figures } from '../figures.ts'
import { OTHER_CORE, type Started, start } from '../measure.ts'
import { nginxNjs, proxyConfig } from '../peers/nginx-njs.ts'
import type { Peer } from '../peers/peer.ts'
import { gate, head, sallyport } from '../peers/sallyport.ts'
import { cpuOf, residentOf } from '../proc.ts'
import { findProgram, freePort, pinned, programVersion, type Running, run, startServer } from '../processes.ts'
import { say, sentence } from '../rounds.ts'
import { SETTINGS } from '../work.ts'
import type { Case } from './case.ts'

const DIRECTIONS = ['up', 'down'] as const
type Direction = (typeof DIRECTIONS)[number]
const STREAM_PATH = '/large'
const BYTES = 2 ** 30
/** How often the memory is looked at during a transfer. Milliseconds. */
const LOOK_MS = 100

const bridge: Peer = {
  ...sallyport,
  note: 'a bridge route with stream: true, source-ip and an outgoing api-key',
  command: site =>
    gate(
      site,
      `${head(site, ', request: 10m')}  - name: bridge
    match: { path: ${STREAM_PATH}, methods: [GET, PUT] }
    checks:
      - source-ip: { allow: [127.0.0.0/8] }
    forward:
      to: http://127.0.0.1:${site.upstream}${STREAM_PATH}
      stream: true
      allow-private: [127.0.0.0/8]
      authenticate:
        api-key: { header: X-Api-Key, value: { env: HOOK_SECRET } }
`,
    ),
}

const nginx: Peer = {
  ...nginxNjs,
  title: 'nginx',
  note: 'proxy_pass without buffering the request, with an outgoing header',
  version: () => programVersion('nginx', '-v'),
  command(site) {
    return {
      program: findProgram('nginx') ?? 'nginx',
      args: ['-c', proxyConfig(site, STREAM_PATH), '-e', join(site.folder, 'error.log')],
    }
  },
}

interface Transfer {
  readonly mibPerSecond: number
  /** Milliseconds of processor time for each MiB. */
  readonly cpuMs: number
  /** MiB of memory above what was resident before. */
  readonly growth: number
}

async function transfer({ server, site }: Started, direction: Direction): Promise<Transfer> {
  const file = join(site.folder, 'stream.json')
  writeFileSync(file, JSON.stringify({ port: site.port, path: STREAM_PATH, direction, bytes: BYTES }))
  const cpu = cpuOf(server.pid)
  const before = residentOf(server.pid)
  let most = before
  const watch = setInterval(() => {
    most = Math.max(most, residentOf(server.pid))
  }, LOOK_MS)
  try {
    const client = join(import.meta.dirname, '../apps/stream-client.ts')
    const text = await run(pinned([OTHER_CORE], { program: process.execPath, args: [client, file] }), 120_000)
    const { seconds, bytes, status }: { seconds: number; bytes: number; status: number } = JSON.parse(text)
    if (status !== 200 || bytes !== BYTES) throw new Error(`${direction}: status ${status}, ${bytes} bytes`)
    const mib = bytes / 2 ** 20
    return {
      mibPerSecond: mib / seconds,
      cpuMs: (cpuOf(server.pid) - cpu) / 1000 / mib,
      growth: (most - before) / 2 ** 20,
    }
  } finally {
    clearInterval(watch)
  }
}

interface Entered {
  readonly peer: Peer
  readonly started?: Started
  problem?: string
  readonly values: number[][]
}

/** An upstream that answers when it has the whole body, which nginx does not. */
async function startEnd(root: string): Promise<Running & { readonly port: number }> {
  const port = await freePort()
  const app = join(import.meta.dirname, '../apps/stream-upstream.ts')
  const command = { program: process.execPath, args: [app, String(port), String(BYTES)] }
  return { ...(await startServer(pinned([OTHER_CORE], command), port, join(root, 'stream-upstream.log'))), port }
}

async function enter(peer: Peer, root: string, upstream: number): Promise<Entered> {
  const values = DIRECTIONS.flatMap(() => [[], [], []])
  if (peer.version() === undefined) return { peer, problem: 'not installed', values }
  try {
    return { peer, started: await start(peer, root, upstream, SETTINGS.plain), values }
  } catch (error) {
    return { peer, problem: sentence(error), values }
  }
}

export const stream: Case = {
  name: 'stream',
  title: 'The bridge: 1 GiB streamed',
  async run(scene) {
    const end = await startEnd(scene.root)
    const entries: Entered[] = []
    for (const peer of [nginx, bridge].filter(({ name }) => scene.peers.some(chosen => chosen.name === name))) {
      entries.push(await enter(peer, scene.root, end.port))
    }
    for (let round = 0; round <= scene.options.rounds; round++) {
      say(round === 0 ? `${stream.title}: warming up` : `${stream.title}: round ${round} of ${scene.options.rounds}`)
      for (const entry of entries) {
        if (entry.started === undefined || entry.problem !== undefined) continue
        try {
          for (const [at, direction] of DIRECTIONS.entries()) {
            const { mibPerSecond, cpuMs, growth } = await transfer(entry.started, direction)
            if (round === 0) continue
            for (const [i, value] of [mibPerSecond, cpuMs, growth].entries()) entry.values[at * 3 + i]?.push(value)
          }
        } catch (error) {
          entry.problem = sentence(error)
        }
      }
    }
    await Promise.all([end.stop(), ...entries.map(({ started }) => started?.server.stop())])
    const rows: FigureRow[] = entries.map(({ peer, problem, values }) => ({
      peer: peer.name,
      title: peer.title,
      version: peer.version(),
      problem,
      values,
    }))
    const each = (direction: string) => [`${direction}, MiB/s`, `CPU ms/MiB`, `growth, MiB`]
    return {
      kind: 'figures',
      name: 'stream',
      title: stream.title,
      columns: [...each('to the upstream'), ...each('from the upstream')],
      rows,
      notes: [],
    } satisfies Figures
  },
}
