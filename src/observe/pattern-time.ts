import type { Clause, Contrast } from './patterns.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

interface Cycle {
  readonly period: number
  /** The widest window that still says something. */
  readonly widest: number
  readonly name: string
  readonly unit: number
  readonly unitName: string
}

/** The longest first: what comes at one time of the day may come on the full minute too, which says less. */
const CYCLES: readonly Cycle[] = [
  { period: DAY, widest: HOUR, name: 'day', unit: MINUTE, unitName: 'min' },
  { period: HOUR, widest: 4 * MINUTE, name: 'hour', unit: MINUTE, unitName: 'min' },
  { period: MINUTE, widest: 6 * SECOND, name: 'minute', unit: SECOND, unitName: 's' },
]
/** So often the moment must have come round. */
const TIMES = 3

/** Failures that keep to a moment of the minute, the hour or the day, which the requests that went well do not. */
export function timeClause({ ill, well }: Contrast): Clause | undefined {
  for (const cycle of CYCLES) {
    const window = narrowest(
      ill.map(({ time }) => time % cycle.period),
      cycle.period,
    )
    const rounds = new Set(ill.map(({ time }) => Math.floor((time - window.from) / cycle.period)))
    if (window.width > cycle.widest || rounds.size < TIMES) continue
    const inside = well.filter(({ time }) => (time - window.from + cycle.period) % cycle.period <= window.width)
    // Where all requests come at that moment, it says nothing of why these failed.
    if (well.length < ill.length || inside.length > well.length / 2) continue
    return { kind: 'time', text: `all ${whenOf(window, cycle)}` }
  }
  return undefined
}

interface Window {
  readonly from: number
  readonly width: number
}

/** The narrowest window of a cycle that holds every moment: what is left of the widest gap. */
function narrowest(moments: readonly number[], period: number): Window {
  const sorted = moments.toSorted((a, b) => a - b)
  let from = sorted[0] ?? 0
  let gap = from + period - (sorted.at(-1) ?? 0)
  for (const [index, moment] of sorted.entries()) {
    const next = sorted[index + 1]
    if (next === undefined || next - moment <= gap) continue
    gap = next - moment
    from = next
  }
  return { from, width: period - gap }
}

function whenOf({ from, width }: Window, { period, name, unit, unitName }: Cycle): string {
  const to = from + width
  if (period === DAY) return `between ${clockOf(from)} and ${clockOf(to + MINUTE)} UTC each day`
  // Around the full one, or shortly after it.
  const around = to >= period ? Math.max(period - from, to - period) : from <= 2 * unit ? to : undefined
  if (around !== undefined) return `within ${Math.max(1, Math.ceil(around / unit))} ${unitName} of the full ${name}`
  const place = (at: number) => Math.floor((at % period) / unit)
  return `between ${unitName} ${place(from)} and ${place(to)} of each ${name}`
}

/** `13:05` of a moment of the day. */
const clockOf = (at: number): string => new Date(at % DAY).toISOString().slice(11, 16)

/** In less of the time than this, failures have come and gone. */
const SHARE = 0.25
const ISO_SECONDS = 19

/** Failures in one stretch of time: those that have stopped, and those that have begun and go on. */
export function spanClause({ ill, well }: Contrast): Clause | undefined {
  const from = ill[0]?.time ?? 0
  const to = ill.at(-1)?.time ?? 0
  const before = well.filter(({ time }) => time < from).length
  const after = well.filter(({ time }) => time > to).length
  const between = well.length - before - after
  // In between nearly all must have failed.
  if (between > ill.length / 10 || before < ill.length / 4) return undefined
  const at = (time: number) => `${new Date(time).toISOString().slice(0, ISO_SECONDS).replace('T', ' ')}Z`
  if (after === 0) return { kind: 'span', text: `every one since ${at(from)}` }
  const all = Math.max(to, well.at(-1)?.time ?? 0) - Math.min(from, well[0]?.time ?? from)
  if (after < ill.length / 4 || to - from > all * SHARE) return undefined
  return {
    kind: 'span',
    text: `all from ${at(from)} to ${at(to)}, when ${between === 0 ? 'none' : 'few'} went through`,
  }
}
