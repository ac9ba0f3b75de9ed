import type { Clock } from '../core/clock.ts'
import { MemoryClaims } from '../store/memory-claims.ts'
import { MemoryRates } from '../store/memory-rates.ts'
import type { Stores } from './engine.ts'

/** Sources and events that checks which only report remember. */
const REPORTING_KEYS = 100_000

/** What one thread that takes requests alone counts and remembers by. */
export function ownStores(clock: Clock): Stores & { readonly reporting: Stores } {
  return {
    rates: new MemoryRates({ clock }),
    claims: new MemoryClaims({ clock }),
    reporting: {
      rates: new MemoryRates({ clock, capacity: REPORTING_KEYS }),
      claims: new MemoryClaims({ clock, capacity: REPORTING_KEYS }),
    },
  }
}
