import type { Clause, Contrast } from './patterns.ts'

const SECOND = 1000
/** A rate below it is no crowd. */
const FEWEST = 3

/** Failures only where many requests of the route come within a second. */
export function rateClause({ ill, well }: Contrast): Clause | undefined {
  if (well.length < 5) return undefined
  const all = [...ill, ...well].sort((a, b) => a.time - b.time)
  const crowds = new Map<object, number>()
  let from = 0
  let count = 0
  for (const decision of all) {
    count += decision.weight
    for (let first = all[from]; first && first.time <= decision.time - SECOND; first = all[++from])
      count -= first.weight
    crowds.set(decision, count)
  }
  const least = Math.min(...ill.map(each => crowds.get(each) ?? 0))
  const calm = well.filter(each => (crowds.get(each) ?? 0) < least).length
  if (least < FEWEST || calm < well.length * 0.7) return undefined
  return { kind: 'rate', text: `only where ${least} or more come within a second` }
}
