import { type Clock, systemClock } from '../core/clock.ts'
import type { ClaimStore, Ledgers, RateStore } from '../core/stores.ts'
import { LocalLedger } from './local-ledger.ts'
import { MemoryClaims } from './memory-claims.ts'
import { DEFAULT_KEYS, MemoryRates, type SharedRates } from './memory-rates.ts'
import { SEATS, Seats } from './seats.ts'
import { type LedgerMemory, SharedLedgers } from './shared-ledgers.ts'

/** The main thread's seat, which is taken from the start. Workers have those from 1 to `SEATS - 1`. */
export const MAIN_SEAT = 0
export { SEATS }

/** Sources and events that checks which only report remember. */
export const REPORTING_KEYS = 100_000
/** Upstreams with limits: some 80 MB, of which only what is used is ever touched. */
const LEDGERS = 4096

interface SharedStores {
  readonly rates: SharedRates
  readonly claims: SharedArrayBuffer
}

/** What the threads of one process share: made once, and sent to each by `workerData` or a message. */
export interface SharedState extends SharedStores {
  readonly seats: SharedArrayBuffer
  readonly reporting: SharedStores
  readonly ledgers: LedgerMemory
}

export interface SharedStateOptions {
  readonly keys?: number
  readonly reportingKeys?: number
  readonly ledgers?: number
}

interface Stores {
  readonly rates: RateStore
  readonly claims: ClaimStore
}

/** What a gate works with: of its own thread, or shared by several. */
export interface OpenState extends Stores {
  readonly reporting: Stores
  readonly ledgers: Ledgers
}

export function createSharedState(options: SharedStateOptions = {}): SharedState {
  const seats = Seats.create()
  new Seats(seats).take(MAIN_SEAT)
  return {
    seats,
    ...share(options.keys ?? DEFAULT_KEYS),
    reporting: share(options.reportingKeys ?? REPORTING_KEYS),
    ledgers: SharedLedgers.share(options.ledgers ?? LEDGERS),
  }
}

/** What a gate works with that runs in one thread. */
export function openLocalState(clock: Clock): OpenState {
  const open = (capacity: number): Stores => ({
    rates: new MemoryRates({ clock, capacity }),
    claims: new MemoryClaims({ clock, capacity }),
  })
  return { ...open(DEFAULT_KEYS), reporting: open(REPORTING_KEYS), ledgers: () => new LocalLedger() }
}

/**
 * In the thread that sits on the seat, once.
 * @throws where the seat has not been marked alive
 */
export function openSharedState(state: SharedState, seat: number, clock: Clock): OpenState {
  const taken = new Seats(state.seats).open(seat, clock)
  const open = ({ rates, claims }: SharedStores): Stores => ({
    rates: MemoryRates.open(clock, rates, taken),
    claims: MemoryClaims.open(clock, claims, taken),
  })
  const ledgers = new SharedLedgers(state.ledgers, taken)
  return { ...open(state), reporting: open(state.reporting), ledgers: name => ledgers.open(name) }
}

/** By the main thread, before it starts the thread that will sit there. @throws where somebody does */
export function markAlive(state: SharedState, seat: number): void {
  new Seats(state.seats).take(seat)
}

/**
 * By the main thread, when the thread that sat there has exited, and not before: what it held is taken from it, what it
 * had claimed is released, what it had under way counts as answered now. Does nothing where nobody sits there.
 */
export function markDead(state: SharedState, seat: number, clock: Clock = systemClock): void {
  const seats = new Seats(state.seats)
  seats.bury(seat, seats.lifeOf(seat), clock.monotonic())
}

function share(keys: number): SharedStores {
  return { rates: MemoryRates.share(keys), claims: MemoryClaims.share(keys) }
}
