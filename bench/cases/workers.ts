import type { Peer } from '../peers/peer.ts'
import { config, gate, sallyport } from '../peers/sallyport.ts'
import { enter, leave, rounds } from '../rounds.ts'
import { SETTINGS, VERIFIED, type Work } from '../work.ts'
import type { Case } from './case.ts'

const gateOf = (workers: number, name: string, title: string): Peer => ({
  ...sallyport,
  name,
  title,
  command: site => gate(site, config(site, workers)),
})
const one = gateOf(1, 'one-worker', 'one worker')
const two = gateOf(2, 'two-workers', 'two workers')

const work: Work = {
  name: 'workers',
  title: 'Two workers against one, on one core',
  request: VERIFIED,
  setting: SETTINGS.plain,
  arrival: 'keep-alive',
  refused: false,
}

/**
 * Both have one core, as every peer: on two, the load generator and the upstream would take from the second worker what it is
 * measured by. What is left is what a second worker costs: a heap of its own, locks, letters to the thread that leads, and
 * turns on the core.
 */
export const workers: Case = {
  name: work.name,
  title: work.title,
  async run({ root, upstream, options }) {
    const entries = [await enter(one, root, upstream, work.setting), await enter(two, root, upstream, work.setting)]
    try {
      const [outcomes = []] = await rounds(entries, [work], options)
      return { kind: 'requests', name: work.name, title: work.title, base: one.name, outcomes }
    } finally {
      await leave(entries)
    }
  },
}
