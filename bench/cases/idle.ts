import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import type { KeepAliveJob } from '../apps/job.ts'
import type { FigureRow, Figures } from '../figures.ts'
import { OTHER_CORE, type Started, start } from '../measure.ts'
import type { Peer } from '../peers/peer.ts'
import { residentOf } from '../proc.ts'
import { fileLimit, pinned } from '../processes.ts'
import { say, sentence } from '../rounds.ts'
import { trusted } from '../tls-files.ts'
import { SETTINGS, type Setting, VERIFIED } from '../work.ts'
import type { Case, Scene } from './case.ts'

/** Those whose memory is worth knowing: the gate and what it would replace. */
const PEERS = ['nginx-njs', 'sallyport', 'haproxy']
/** What else a process has open: files, the upstream's connections, the listeners. */
const OTHER_FILES = 200
/** Connections that a server has had before, so that what it sets up with its first ones is not counted. */
const BEFORE = 500

interface Held {
  close(): Promise<void>
}

/** Opens connections from a process of its own. @throws where one fails */
async function hold({ site }: Started, connections: number): Promise<Held> {
  const job: KeepAliveJob = {
    port: site.port,
    connections,
    seconds: 0,
    ...VERIFIED,
    body: VERIFIED.body.toString('latin1'),
    ...(site.tls === undefined ? {} : { tls: trusted(site.tls) }),
  }
  const file = join(site.folder, 'idle.json')
  writeFileSync(file, JSON.stringify(job))
  const command = pinned([OTHER_CORE], {
    program: process.execPath,
    args: [join(import.meta.dirname, '../apps/idle-client.ts'), file],
  })
  const child = spawn(command.program, command.args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exit = once(child, 'exit')
  const close = async () => {
    child.stdin.end()
    await exit
  }
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), exit.then(() => undefined)])
  if (line === undefined) throw new Error('the client ended before its connections were open')
  const { failed }: { failed: number } = JSON.parse(String(line[0]))
  if (failed > 0) {
    await close()
    throw new Error(`${failed} of ${connections} connections failed`)
  }
  return { close }
}

/** KiB resident for each idle connection. */
async function perConnection(peer: Peer, scene: Scene, setting: Setting, connections: number): Promise<number> {
  const started = await start(peer, scene.root, scene.upstream, setting)
  try {
    const first = await hold(started, BEFORE)
    await first.close()
    await sleep(scene.options.settleMs)
    const before = residentOf(started.server.pid)
    const held = await hold(started, connections)
    await sleep(scene.options.settleMs)
    const after = residentOf(started.server.pid)
    await held.close()
    return (after - before) / 1024 / connections
  } finally {
    await started.server.stop()
  }
}

/** Peers one after the other, each plain and over TLS: memory does not depend on what else runs. */
export const idle: Case = {
  name: 'idle',
  title: 'Memory of an idle connection',
  async run(scene) {
    const possible = fileLimit() - OTHER_FILES
    const connections = Math.min(scene.options.idleConnections, possible)
    const rows: FigureRow[] = []
    for (const peer of scene.peers.filter(({ name }) => PEERS.includes(name))) {
      const about = { peer: peer.name, title: peer.title, version: peer.version() }
      if (about.version === undefined) {
        rows.push({ ...about, problem: 'not installed', values: [] })
        continue
      }
      try {
        const values: number[][] = []
        for (const setting of [SETTINGS.plain, SETTINGS.tls]) {
          say(`${idle.title}: ${peer.title}, ${setting.name}`)
          values.push([await perConnection(peer, scene, setting, connections)])
        }
        rows.push({ ...about, values })
      } catch (error) {
        rows.push({ ...about, problem: sentence(error), values: [] })
      }
    }
    const few = connections < scene.options.idleConnections ? `, as many as the limit on open files admits` : ''
    return {
      kind: 'figures',
      name: 'idle',
      title: idle.title,
      columns: ['plain, KiB', 'TLS, KiB'],
      rows,
      notes: [`${connections} connections${few}; each has had one webhook.`],
    } satisfies Figures
  },
}
