import type { Decision } from './decisions.ts'
import { rateClause } from './pattern-rate.ts'
import { sizeClause } from './pattern-size.ts'
import { spanClause, timeClause } from './pattern-time.ts'

/** What requests of one route that failed alike have in common, and those that went well have not. */
export interface Clause {
  /** `time`: at the same moments of a minute or an hour; `span`: in one stretch of time. */
  readonly kind: 'time' | 'span' | 'source' | 'size' | 'rate' | 'key'
  /** Goes on after "14 of 400": `all within 2 s of the full minute`. */
  readonly text: string
}

/** Failures that come and go, and what they have in common. */
export interface Pattern {
  readonly route: string
  readonly code: string
  /** Requests that failed so, of all of the route in the same time. */
  readonly failed: number
  readonly of: number
  /** ISO 8601: the first and the last of them. */
  readonly from: string
  readonly to: string
  readonly clauses: readonly Clause[]
  /** Where they all come from; absent: from several. */
  readonly source?: string | undefined
  /** All of it in one sentence. */
  readonly sentence: string
}

/** The requests that failed in one way, and those of the same route and time that went well. */
export interface Contrast {
  readonly ill: readonly Decision[]
  readonly well: readonly Decision[]
}

/** Fewer have nothing in common but chance. */
const FEWEST = 5

/** Finds what failures of a route have in common; the largest groups first. */
export function findPatterns(decisions: readonly Decision[], route?: string): readonly Pattern[] {
  const patterns: Pattern[] = []
  for (const [name, all] of Map.groupBy(decisions, each => each.route)) {
    if (name === '' || (route !== undefined && name !== route)) continue
    const well = all.filter(({ code }) => code === '')
    for (const [code, ill] of Map.groupBy(all, each => each.code)) {
      if (code === '' || ill.length < FEWEST) continue
      const pattern = patternOf(name, code, { ill, well }, weigh(all))
      if (pattern) patterns.push(pattern)
    }
  }
  return patterns.sort((a, b) => b.failed - a.failed)
}

function patternOf(route: string, code: string, contrast: Contrast, of: number): Pattern | undefined {
  const { ill } = contrast
  const source = sourceClause(contrast)
  const clauses = [
    timeClause(contrast),
    spanClause(contrast),
    source,
    sizeClause(contrast),
    rateClause(contrast),
    keyClause(contrast),
  ].filter(clause => clause !== undefined)
  if (clauses.length === 0) return undefined
  const failed = weigh(ill)
  const told = clauses.map(({ text }) => text).join(', ')
  return {
    route,
    code,
    failed,
    of,
    from: new Date(ill[0]?.time ?? 0).toISOString(),
    to: new Date(ill.at(-1)?.time ?? 0).toISOString(),
    clauses,
    source: source && ill[0]?.source,
    sentence: `${failed} of ${of}, ${told}, all ${whatFailed(code)}`,
  }
}

/** Of a code, who refused: goes on after "all". */
export function whatFailed(code: string): string {
  if (code.startsWith('upstream.')) return `answered ${code.slice('upstream.'.length)} by the upstream`
  if (code === 'rate-limit.exceeded') return 'refused by your own rate limit'
  return code.startsWith('forward.') ? `failed on the way to the upstream (${code})` : `refused as ${code}`
}

const weigh = (decisions: readonly Decision[]): number => decisions.reduce((sum, { weight }) => sum + weight, 0)

/** Only where others of the route went well: else it is simply who sends. */
function sourceClause({ ill, well }: Contrast): Clause | undefined {
  const sources = new Set(ill.map(({ source }) => source))
  const others = well.filter(({ source }) => !sources.has(source))
  const [first] = sources
  if (first === undefined || sources.size > 1 || others.length < FEWEST) return undefined
  const own = weigh(well) - weigh(others)
  return { kind: 'source', text: `only from ${first}${own === 0 ? ', of which none went through' : ''}` }
}

function keyClause({ ill, well }: Contrast): Clause | undefined {
  const keys = new Set(ill.map(({ key }) => key))
  const [first = ''] = keys
  const others = well.filter(({ key }) => key !== first)
  if (first === '' || keys.size > 1 || others.length < FEWEST || others.length < well.length) return undefined
  return { kind: 'key', text: `all verified by the key "${first}"` }
}
