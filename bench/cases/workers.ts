import { start } from '../measure.ts'
import type { Peer } from '../peers/peer.ts'
import { config, gate, sallyport } from '../peers/sallyport.ts'
import { type Entry, enter, leave, rounds } from '../rounds.ts'
import { SETTINGS, VERIFIED, type Work } from '../work.ts'
import type { Case } from './case.ts'

const gateOf = (workers: number, name: string, title: string): Peer => ({
  ...sallyport,
  name,
  title,
  command: site => gate(site, config(site, workers)),
})
const one = gateOf(1, 'one-worker', 'one worker')
const apart = gateOf(1, 'two-gates', 'two gates, a worker each')
const two = gateOf(2, 'two-workers', 'two workers')

const work: Work = {
  name: 'workers',
  title: 'Two workers against two gates, on one core',
  request: VERIFIED,
  setting: SETTINGS.plain,
  arrival: 'keep-alive',
  refused: false,
}

/**
 * All have one core, as every peer: on two, the load generator and the upstream would take from the second worker what it is
 * measured by. Two gates of one worker, with half of the connections each, have nothing in common and would do twice as much
 * on two cores as one does on one; what two workers of one gate cost against them is what they share: limits, locks, the
 * port, letters to the thread that leads.
 */
export const workers: Case = {
  name: work.name,
  title: work.title,
  async run({ root, upstream, options }) {
    const entries: Entry[] = []
    try {
      for (const peer of [one, apart, two]) entries.push(await enter(peer, root, upstream, work.setting))
      const [, pair] = entries
      if (pair?.started) entries[1] = { ...pair, second: await start(apart, root, upstream, work.setting) }
      const [outcomes = []] = await rounds(entries, [work], options)
      return { kind: 'requests', name: work.name, title: work.title, base: apart.name, outcomes }
    } finally {
      await leave(entries)
    }
  },
}
