import { masksOf } from '../gateway/capture-masks.ts'
import { explainCapture } from '../gateway/explainer.ts'
import type { Gateway } from '../gateway/gateway.ts'
import { findPatterns, type Pattern } from '../observe/patterns.ts'
import type { Endpoint } from './api.ts'

/** Explained at most: the rest is told without. */
const EXPLAINED = 20
const HOURS_24 = 86_400_000

/** A pattern, and what the latest capture of it says. */
export interface ExplainedPattern extends Pattern {
  readonly because: string | null
  readonly mend: string | null
  /** The request id of that capture. */
  readonly example: string | null
}

/** `GET /api/patterns?route=&since=` */
export interface PatternList {
  readonly since: string
  readonly patterns: readonly ExplainedPattern[]
}

export const listPatterns: Endpoint = async ({ query, gateway }) => {
  for (const name of query.keys()) if (name !== 'route' && name !== 'since') return 'admin.query'
  const text = query.get('since')
  const since = text === null ? Date.now() - HOURS_24 : Date.parse(text)
  if (Number.isNaN(since)) return 'admin.query'
  const found = findPatterns(gateway.decisions.list(since), query.get('route') ?? undefined)
  const patterns: ExplainedPattern[] = []
  for (const [index, pattern] of found.entries())
    patterns.push({ ...pattern, ...(index < EXPLAINED ? await becauseOf(pattern, gateway) : NOTHING) })
  const list: PatternList = { since: new Date(since).toISOString(), patterns }
  return { json: list }
}

const NOTHING = { because: null, mend: null, example: null }

async function becauseOf({ route, code, source }: Pattern, gateway: Gateway) {
  const { explainable, captures } = gateway
  const capture = captures
    .list({ route, code, limit: 1000 }, Date.now())
    .find(each => source === undefined || each.request.source === source)
  if (capture === undefined || explainable === undefined) return NOTHING
  const { config, env } = explainable
  const masks = masksOf(
    config.routes.find(({ name }) => name === route),
    config,
    env,
  )
  const { steps } = await explainCapture(capture, explainable)
  const refused = steps.find(({ outcome }) => outcome === 'fail' || outcome === 'report')
  const finding = refused?.findings.find(({ certainty }) => certainty !== 'possible')
  const mend = finding?.mend || (refused?.remedy ?? null)
  return {
    because: finding ? masks.text(finding.because) : null,
    mend: mend === null ? null : masks.text(mend),
    example: capture.request.id,
  }
}
