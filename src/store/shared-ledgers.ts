import { KeyTable } from './key-table.ts'
import {
  ANSWERED,
  FULL,
  HELD,
  LEDGER_BYTES,
  type LedgerViews,
  ledgerViews,
  TAKEN,
  TOP,
  WRITTEN,
} from './ledger-memory.ts'
import type { Seat } from './seats.ts'
import { SharedLedger } from './shared-ledger.ts'

/** The memories of all ledgers: their names, and one place for each. */
export interface LedgerMemory {
  readonly names: SharedArrayBuffer
  readonly ledgers: SharedArrayBuffer
}

/** The ledgers that threads share, by name: each finds the one that another has made. */
export class SharedLedgers {
  readonly #memory: LedgerMemory
  readonly #seat: Seat
  readonly #names: KeyTable

  constructor(memory: LedgerMemory, seat: Seat) {
    this.#memory = memory
    this.#seat = seat
    this.#names = new KeyTable(memory.names, seat)
  }

  static share(capacity: number): LedgerMemory {
    return {
      names: KeyTable.memory(capacity),
      ledgers: new SharedArrayBuffer(capacity * LEDGER_BYTES),
    }
  }

  /** @throws where there are as many in use as there is room for */
  open(name: string): SharedLedger {
    const names = this.#names
    names.aim(name)
    names.lock()
    try {
      let row = names.find()
      if (row < 0 && names.size === names.capacity) this.#reclaim()
      if (row < 0) row = names.insert(0, Number.POSITIVE_INFINITY)
      if (row >= 0) return new SharedLedger(ledgerViews(this.#memory.ledgers, row), this.#seat)
    } finally {
      names.unlock()
    }
    throw new Error(
      `${names.capacity} upstreams with a pace, concurrency or retry are counted by all workers; there is no room for one more. mend: let routes share a count (pace: shared), or run one worker (workers: 1)`,
    )
  }

  /** Takes back, of a full table, all that no living thread uses. */
  #reclaim(): void {
    for (let row = 0; row < this.#names.capacity; row++) {
      const views = ledgerViews(this.#memory.ledgers, row)
      if (this.#isUsed(views)) continue
      // Before its name goes: whoever gets the place finds it empty.
      clear(views)
      this.#names.remove(row)
    }
  }

  #isUsed({ head, lives }: LedgerViews): boolean {
    const { seats } = this.#seat
    for (let seat = 0; seat < (head[TOP] ?? 0); seat++)
      if (lives[seat] !== 0 && lives[seat] === seats.lifeOf(seat)) return true
    return false
  }
}

/** The lock stays as it is: where a dead thread holds it, whoever comes next repairs what is here. */
function clear({ head, numbers, since, underWay, lives }: LedgerViews): void {
  head[TAKEN] = head[WRITTEN] ?? 0
  head[ANSWERED] = 0
  numbers[FULL] = 0
  numbers[HELD] = 0
  for (const bySeat of [since, underWay, lives]) bySeat.fill(0)
  head[TOP] = 0
}
