import { formatSize } from '../core/units.ts'
import type { Clause, Contrast } from './patterns.ts'

/** Of the requests that went well, so many may be larger: some are let through where most are not. */
const EXCEPTIONS = 0.02

/** Failures of large bodies alone, or of requests without one. */
export function sizeClause({ ill, well }: Contrast): Clause | undefined {
  if (well.length < ill.length / 2 || well.length < 5) return undefined
  const smallest = Math.min(...ill.map(({ bytes }) => bytes))
  const sorted = well.map(({ bytes }) => bytes).sort((a, b) => a - b)
  const largest = sorted[Math.ceil(sorted.length * (1 - EXCEPTIONS)) - 1] ?? 0
  if (smallest > largest && smallest >= largest * 1.05)
    return { kind: 'size', text: `only bodies over ${formatSize(round(largest, smallest))}` }
  if (ill.every(({ bodyless }) => bodyless) && (sorted[0] ?? 0) > 0)
    return { kind: 'size', text: 'only without a body' }
  return undefined
}

/** The roundest number from `from` on and below `to`: a limit is rarely 259,317 bytes. */
function round(from: number, to: number): number {
  for (let power = 40; power >= 0; power--)
    for (const unit of [2 ** power, 10 ** Math.floor(power / 3)]) {
      const multiple = Math.ceil(from / unit) * unit
      if (multiple >= from && multiple < to && multiple > 0) return multiple
    }
  return from
}
