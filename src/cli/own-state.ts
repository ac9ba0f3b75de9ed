import { systemClock } from '../core/clock.ts'
import type { State } from '../gateway/loading.ts'
import { Remotes } from '../gateway/remotes.ts'
import { createLog } from '../observe/log.ts'
import { MemoryClaims } from '../store/memory-claims.ts'
import { MemoryRates } from '../store/memory-rates.ts'

/** State to load a config with where no gate runs: nothing counts anywhere else, and nobody is told. */
export function ownState(): State {
  const clock = systemClock
  const log = createLog({ level: 'silent', destination: { write: () => undefined } })
  const remotes = new Remotes(clock, log)
  return { clock, rates: new MemoryRates({ clock }), claims: new MemoryClaims({ clock }), remotes, log }
}
