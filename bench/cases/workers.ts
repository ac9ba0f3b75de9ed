import { OTHER_CORE, PEER_CORE } from '../measure.ts'
import type { Peer } from '../peers/peer.ts'
import { config, gate, sallyport } from '../peers/sallyport.ts'
import { enter, leave, rounds } from '../rounds.ts'
import { SETTINGS, VERIFIED, type Work } from '../work.ts'
import type { Case } from './case.ts'

const gateOf = (workers: number, name: string, title: string): Peer => ({
  ...sallyport,
  name,
  title,
  cores: [OTHER_CORE, PEER_CORE],
  command: site => gate(site, config(site, workers)),
})
const one = gateOf(1, 'one-worker', 'one worker')
const two = gateOf(2, 'two-workers', 'two workers')

const work: Work = {
  name: 'workers',
  title: 'Two workers on two cores against one',
  request: VERIFIED,
  setting: SETTINGS.plain,
  arrival: 'keep-alive',
  refused: false,
}

/**
 * The load generator and the upstream need the same cores, so that requests a second tell nothing of two workers here. What a
 * request costs them tells it: two do 1.9 times what one does where it costs them at most 1.05 times as much.
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
