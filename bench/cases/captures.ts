import type { Peer } from '../peers/peer.ts'
import { config, gate, sallyport } from '../peers/sallyport.ts'
import { enter, leave, rounds } from '../rounds.ts'
import { FORGED, SETTINGS, VERIFIED, type Work } from '../work.ts'
import type { Case } from './case.ts'

const on: Peer = { ...sallyport, name: 'captures-on', title: 'captures at their defaults' }
const off: Peer = {
  ...sallyport,
  name: 'captures-off',
  title: 'captures: { keep: 0 }',
  command: site => gate(site, `captures: { keep: 0 }\n${config(site)}`),
}

const work: Work = {
  name: 'captures',
  title: 'Every second webhook forged: what is refused is kept, or not',
  request: VERIFIED,
  alternate: FORGED,
  setting: SETTINGS.plain,
  arrival: 'keep-alive',
  refused: 'half',
}

/** What it costs that refused requests are kept: the same gate, with an admin listener, and twice the same traffic. */
export const captures: Case = {
  name: work.name,
  title: work.title,
  async run({ root, upstream, options }) {
    const entries = [await enter(off, root, upstream, work.setting), await enter(on, root, upstream, work.setting)]
    try {
      const [outcomes = []] = await rounds(entries, [work], options)
      return { kind: 'requests', name: work.name, title: work.title, base: off.name, outcomes }
    } finally {
      await leave(entries)
    }
  },
}
