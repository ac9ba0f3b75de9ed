import { SEATS } from './seats.ts'

/** Times of answers that a ledger tells apart. */
export const ANSWERS = 1024

// The head's words.
/** Entries that were ever written to the ring of answers, and that were taken from it: each wraps at 2^32. */
export const WRITTEN = 0
export const TAKEN = 1
/** What the entries in the ring add up to. */
export const ANSWERED = 2
/** Times that anyone had died when what the dead had under way was last settled. */
export const SETTLED = 3
/** Seats below this have been used. */
export const TOP = 4
const HEAD_WORDS = 7

/** When the bucket of what may come at once is full again. */
export const FULL = 0
export const HELD = 1
const HEAD_NUMBERS = 2

const SEAT_BYTES = 24
const ANSWER_BYTES = 12
export const LEDGER_BYTES = (1 + HEAD_WORDS) * 4 + HEAD_NUMBERS * 8 + SEATS * SEAT_BYTES + ANSWERS * ANSWER_BYTES

/** One ledger's part of the memory that all ledgers share, seen as what lies in it. */
export interface LedgerViews {
  readonly lock: Int32Array
  readonly head: Int32Array
  readonly numbers: Float64Array
  /** By seat: since when its first request waits, 0 where none does; and when it looks next whether it may go. */
  readonly since: Float64Array
  readonly looksAt: Float64Array
  /** By seat: requests under way; and the life of whoever sits there and uses the ledger. */
  readonly underWay: Int32Array
  readonly lives: Int32Array
  /** The ring of answers, oldest first: when they came, and how many. */
  readonly times: Float64Array
  readonly counts: Int32Array
}

export function ledgerViews(memory: ArrayBufferLike, index: number): LedgerViews {
  let at = index * LEDGER_BYTES
  const words = (count: number): Int32Array => {
    at += count * 4
    return new Int32Array(memory, at - count * 4, count)
  }
  const numbers = (count: number): Float64Array => {
    at += count * 8
    return new Float64Array(memory, at - count * 8, count)
  }
  return {
    lock: words(1),
    head: words(HEAD_WORDS),
    numbers: numbers(HEAD_NUMBERS),
    since: numbers(SEATS),
    looksAt: numbers(SEATS),
    underWay: words(SEATS),
    lives: words(SEATS),
    times: numbers(ANSWERS),
    counts: words(ANSWERS),
  }
}
