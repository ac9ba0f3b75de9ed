import type { Clock } from '../core/clock.ts'
import { warningSteps } from '../core/ending.ts'
import type { Expiry } from '../core/resources.ts'
import type { Log } from './log.ts'

export interface ExpiryReading {
  readonly kind: Expiry['kind']
  readonly name: string
  /** Negative once it has ended. */
  readonly seconds: number
  /** Seconds from when it began to hold until its end; absent: not known. */
  readonly lifetime?: number | undefined
  /** Seconds before its end at which the gate begins to renew it by itself; absent: it does not. */
  readonly renewedBefore?: number | undefined
}

export interface ExpiryWatch {
  /** Takes what is in force now, and warns of it at once. What has not changed is not warned of again. */
  update(expiries: Iterable<Expiry>): void
  /** What ends, the soonest first, at most a thousand. */
  soonest(): readonly Expiry[]
  /** The same, by the time that is left. */
  readings(): ExpiryReading[]
  /** Looks again when the next thing ends or is to be warned of, on a timer that keeps no process alive. */
  start(): void
  stop(): void
}

const DAY = 86_400_000
/** Milliseconds between two looks at most: a timer does not see the clock being set, or the machine asleep. */
const LONGEST_MS = 3_600_000
const SHOWN = 1000

/** What to do about each kind that ends. */
export const EXPIRY_REMEDY: Readonly<Record<Expiry['kind'], string>> = {
  certificate: 'Put a renewed certificate in its place; the gate reloads it without a restart.',
  crl: 'Publish a new CRL in its place; once it has ended, the client certificates of its CA are refused.',
  staple: 'Fetch it anew into its place; once it has ended, the certificate goes out without it.',
  secret: 'Add the new secret beside it, let the sender change over, then remove this one.',
  token: 'Add a new token beside it, let the client change over, then remove this one.',
}

/** What is to be done before it ends. */
export const mendOf = ({ kind, renewsAt }: Expiry): string =>
  renewsAt !== undefined ? 'The gate renews it by itself; its log says where it could not.' : EXPIRY_REMEDY[kind]

/** What to do where the gate should have renewed it by itself. */
export const NOT_RENEWED = '"certificate not obtained" in the log says why it was not renewed.'

interface Watched {
  readonly expiry: Expiry
  /** Milliseconds before its end, the longest first. */
  readonly steps: readonly number[]
  /** The lowest of them that was warned of. */
  warned: number
}

/** Warns once at each step before something ends, and when it has ended. */
export function createExpiryWatch({ log, clock }: { readonly log: Log; readonly clock: Clock }): ExpiryWatch {
  let watched = new Map<string, Watched>()
  let timer: NodeJS.Timeout | undefined
  let started = false

  function look(): void {
    check()
    clearTimeout(timer)
    if (started) timer = setTimeout(look, untilNext()).unref()
  }

  /** Milliseconds until anything is to be told, at most `LONGEST_MS`. */
  function untilNext(): number {
    const now = clock.now()
    let next = now + LONGEST_MS
    for (const { expiry, steps, warned } of watched.values())
      for (const step of steps) {
        const at = expiry.at - step
        if (step < warned && at > now && at < next) next = at
      }
    return Math.ceil(next - now)
  }

  function check(): void {
    const now = clock.now()
    for (const item of watched.values()) {
      const left = item.expiry.at - now
      const step = item.steps.findLast(step => left <= step)
      if (step === undefined || step >= item.warned || (item.expiry.renewsAt !== undefined && left > 0)) continue
      item.warned = step
      tell(item.expiry, left)
    }
  }

  function tell({ kind, name, at, renewsAt }: Expiry, left: number): void {
    const remedy = renewsAt === undefined ? EXPIRY_REMEDY[kind] : NOT_RENEWED
    const fields = { kind, name, at: new Date(at).toISOString(), remedy }
    if (left <= 0) log.error('expired', fields)
    else log.warn('expires soon', { ...fields, 'days-left': Math.floor(left / DAY) })
  }

  const soonest = (): readonly Expiry[] =>
    [...watched.values()]
      .map(item => item.expiry)
      .sort((a, b) => a.at - b.at)
      .slice(0, SHOWN)

  return {
    update(expiries) {
      const next = new Map<string, Watched>()
      for (const expiry of expiries) {
        const key = `${expiry.kind} ${expiry.name}`
        const other = next.get(key)
        // Two of one name share a series: the one that ends first is the one to know of.
        if (other && other.expiry.at <= expiry.at) continue
        const before = watched.get(key)
        const warned = before?.expiry.at === expiry.at ? before.warned : Number.POSITIVE_INFINITY
        next.set(key, { expiry, steps: [...warningSteps(expiry), 0], warned })
      }
      watched = next
      look()
    },
    soonest,
    readings() {
      const now = clock.now()
      return soonest().map(({ kind, name, at, since, renewsAt }) => ({
        kind,
        name,
        seconds: (at - now) / 1000,
        ...(since === undefined ? {} : { lifetime: (at - since) / 1000 }),
        ...(renewsAt === undefined ? {} : { renewedBefore: (at - renewsAt) / 1000 }),
      }))
    },
    start() {
      started = true
      look()
    },
    stop() {
      started = false
      clearTimeout(timer)
    },
  }
}
