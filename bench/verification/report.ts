import { columns } from '../report.ts'
import type { Summary } from '../stats.ts'
import { otherHmacPresets } from './presets.ts'

export type Figure = Summary

interface Measured {
  /** The whole check against the bare primitive, round by round. */
  readonly ratio: Figure
  /** Nanoseconds. */
  readonly checkNs: Figure
  readonly bareNs: Figure
}

export interface PresetRow {
  readonly id: string
  readonly algorithm: string
  /** 1 KB and 16 KB of body. */
  readonly small: Measured
  readonly large: Measured
}

/** With many against one: where the same is asked for every time, and where each time it is another. */
export interface GrowthRow {
  readonly what: string
  readonly same: Figure
  readonly other: Figure | undefined
}

export interface Verification {
  readonly presets: readonly PresetRow[]
  readonly growth: readonly GrowthRow[]
}

/** What a check may cost over the bare primitive, at 1 KB. */
export const GOAL = 1.25

const spread = ({ median, min, max }: Figure): string => `${median.toFixed(2)} (${min.toFixed(2)}-${max.toFixed(2)})`

export function overGoal({ presets }: Verification): readonly PresetRow[] {
  return presets.filter(({ small }) => small.ratio.median > GOAL)
}

const goalSentence = (measured: Verification): string => {
  const over = overGoal(measured)
  return over.length === 0
    ? `All are within ${GOAL} at 1 KB.`
    : `Over ${GOAL} at 1 KB: ${over.map(({ id, small }) => `${id} ${small.ratio.median.toFixed(2)}`).join(', ')}.`
}

export function terminalVerification(measured: Verification): string {
  const presets = measured.presets.map(({ id, algorithm, small, large }) => [
    id,
    algorithm,
    small.checkNs.median.toFixed(0),
    small.bareNs.median.toFixed(0),
    spread(small.ratio),
    large.checkNs.median.toFixed(0),
    large.bareNs.median.toFixed(0),
    spread(large.ratio),
  ])
  const growth = measured.growth.map(({ what, same, other }) => [what, spread(same), other ? spread(other) : '-'])
  return [
    columns([['', 'MAC', '1 KB ns', 'bare ns', 'ratio', '16 KB ns', 'bare ns', 'ratio'], ...presets]),
    goalSentence(measured),
    columns([['many against one', 'the same', 'each time another'], ...growth]),
  ].join('\n\n')
}

/** For the documentation: ratios, since the figures themselves belong to one machine. */
export function markdownVerification(measured: Verification): string {
  const presets = measured.presets.map(
    ({ id, algorithm, small, large }) => `| ${id} | ${algorithm} | ${spread(small.ratio)} | ${spread(large.ratio)} |`,
  )
  const growth = measured.growth.map(
    ({ what, same, other }) => `| ${what} | ${spread(same)} | ${other ? spread(other) : ''} |`,
  )
  return [
    '### A whole check against the bare HMAC',
    `${goalSentence(measured)} Not in the table, as they read fields of the body, or hash it in another way, before the MAC: ${otherHmacPresets.map(({ id }) => id).join(', ')}.`,
    ['| preset | MAC | 1 KB (spread) | 16 KB (spread) |', '|---|---|--:|--:|', ...presets].join('\n'),
    '### Many against one',
    ['| | the same every time | each time another |', '|---|--:|--:|', ...growth].join('\n'),
  ].join('\n\n')
}
