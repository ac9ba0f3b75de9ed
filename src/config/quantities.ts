import { z } from 'zod'
import { duration, rate, share, size } from '../core/units.ts'

/** A quantity that the file writes with a unit, and the config holds as a number. */
export type Quantity = 'duration' | 'size' | 'rate' | 'share'

const patternOf = (schema: z.ZodType): string => String(z.toJSONSchema(schema, { io: 'input' }).pattern)

let patterns: ReadonlyMap<string, Quantity> | undefined

/** Which quantity a JSON Schema stands for: the pattern of its text tells. */
export function quantityOf(pattern: unknown): Quantity | undefined {
  if (typeof pattern !== 'string') return undefined
  // No gate asks.
  patterns ??= new Map([
    [patternOf(duration()), 'duration'],
    [patternOf(size()), 'size'],
    [patternOf(rate()), 'rate'],
    [patternOf(share()), 'share'],
  ])
  return patterns.get(pattern)
}

const UNITS = {
  duration: [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
    ['ms', 1],
  ],
  size: [
    ['GiB', 1024 ** 3],
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
    ['B', 1],
  ],
} as const
const PERIODS: ReadonlyMap<number, string> = new Map([
  [1000, 's'],
  [60_000, 'min'],
  [3_600_000, 'h'],
  [86_400_000, 'd'],
])

/** As the file writes it, exact: 300_000 ms as `5m`; `undefined` where the value is no such quantity. */
export function writeQuantity(quantity: Quantity, value: unknown): string | undefined {
  if (quantity === 'rate') {
    if (typeof value !== 'object' || value === null || !('count' in value) || !('periodMs' in value)) return undefined
    const period = PERIODS.get(Number(value.periodMs))
    return period === undefined ? undefined : `${value.count}/${period}`
  }
  if (typeof value !== 'number') return undefined
  // A hundredth of a hundred is not exact in binary.
  if (quantity === 'share') return `${Math.round(value * 100_000) / 1000}%`
  const [unit, factor] = UNITS[quantity].find(([, each]) => value % each === 0 && (value > 0 || each === 1)) ?? ['', 1]
  return `${value / factor}${unit}`
}
