import type { FigureRow, Figures } from '../figures.ts'
import { start as launch } from '../measure.ts'
import { nginxNjs } from '../peers/nginx-njs.ts'
import type { Peer } from '../peers/peer.ts'
import { gate, gateVersion, head, sallyport } from '../peers/sallyport.ts'
import { say } from '../rounds.ts'
import { PATH, SECRET, SETTINGS } from '../work.ts'
import type { Case } from './case.ts'

const ROUTES = 100
const STARTS = 5

const gateOf100: Peer = {
  ...sallyport,
  version: gateVersion,
  command: site =>
    gate(
      site,
      head(site) +
        Array.from(
          { length: ROUTES },
          (_, i) => `  - name: r${i}
    match: { path: ${PATH}/${i} }
    checks:
      - source-ip: { allow: [127.0.0.0/8] }
      - rate-limit: { rate: 600/min, by: source-ip }
      - signature: { provider: github, secrets: [{ env: HOOK_SECRET_${i} }] }
    forward: { to: "http://127.0.0.1:${site.upstream}/in" }
`,
        ).join(''),
      // A secret each: the gate warns of one that several have.
      Object.fromEntries(Array.from({ length: ROUTES }, (_, i) => [`HOOK_SECRET_${i}`, `${SECRET}-${i}`])),
    ),
}

/** The first start is not counted: it leaves the compile cache behind, as the start before does in real life. */
export const start: Case = {
  name: 'start',
  title: 'Start and memory at rest',
  async run({ root, upstream, peers, options }) {
    const rows: FigureRow[] = []
    for (const peer of [nginxNjs, gateOf100].filter(({ name }) => peers.some(chosen => chosen.name === name))) {
      const about = { peer: peer.name, title: peer.title, version: peer.version() }
      if (about.version === undefined) {
        rows.push({ ...about, problem: 'not installed', values: [] })
        continue
      }
      say(`${start.title}: ${peer.title}`)
      const startMs: number[] = []
      const restMiB: number[] = []
      for (let i = 0; i <= Math.min(STARTS, options.rounds); i++) {
        const started = await launch(peer, root, upstream, SETTINGS.plain)
        await started.server.stop()
        if (i === 0) continue
        startMs.push(started.server.startMs)
        restMiB.push(started.atRest / 2 ** 20)
      }
      rows.push({ ...about, values: [startMs, restMiB] })
    }
    return {
      kind: 'figures',
      name: 'start',
      title: start.title,
      columns: ['start to listening, ms', 'resident at rest, MiB'],
      rows,
      notes: [`The gate has ${ROUTES} routes with a signature each, nginx the three of the other cases.`],
    } satisfies Figures
  },
}
