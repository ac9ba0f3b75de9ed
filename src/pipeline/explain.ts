import {
  type CapturedRefusal,
  type CapturedRequest,
  type Explaining,
  isCut,
  type WouldRefuse,
} from '../core/captured.ts'
import { denialsOf, type Stage, stageOf } from '../core/check.ts'
import type { DenialSpec, Evidence } from '../core/decision.ts'
import { type Finding, surestFirst } from '../core/finding.ts'
import type { BodyRequest } from '../core/request.ts'
import type { Resources } from '../core/resources.ts'
import { pipelineDenials } from './denials.ts'
import { explainAnswer, type Sending } from './explain-answer.ts'
import { noteOf } from './explain-notes.ts'
import { explainPipeline } from './explain-pipeline.ts'
import type { ExplainedStep, Explanation, StepOutcome } from './explanation.ts'
import type { RouteCheck } from './route.ts'

/** A request, what was recorded of it, and the route as its config has it now. */
export interface ToExplain {
  readonly captured: CapturedRequest
  /** As its checks would see it; `undefined` where it never became a request. */
  readonly request: BodyRequest | undefined
  readonly outcome: Explanation['outcome']
  /** What the sender was answered; 0: nothing. */
  readonly status: number
  readonly wouldRefuse: readonly WouldRefuse[]
  readonly principal: { readonly name: string; readonly by: string } | undefined
  /** In the order they run; `undefined` where no route matched, or it is no more. */
  readonly checks: readonly RouteCheck[] | undefined
  /** How the route sends; `undefined` where it is no more. */
  readonly sends: Sending | undefined
  /** What the upstream's answer said of why it refused. */
  readonly clues: Evidence | undefined
  /** The checks of all other routes. */
  readonly elsewhere: readonly { readonly route: string; readonly check: RouteCheck }[]
  /** What limits this explanation, e.g. that the config has changed since. */
  readonly limits: readonly string[]
}

/** Steps that are no check: before all of them, behind those of the body, and after all. */
type Around = 'request' | 'route' | 'body' | 'content' | 'forward'

/** Why a request was refused: what each check said, and the near misses of the one that refused. */
export async function explain(asked: ToExplain): Promise<Explanation> {
  const { captured, request, checks = [], status } = asked
  const { refusal } = captured
  const at = refusal && placeOf(refusal, checks)
  const steps: ExplainedStep[] = []
  const isAnswered = asked.outcome === 'forwarded' && status >= 400
  const around = typeof at === 'string' ? at : isAnswered ? 'forward' : undefined
  if (refusal && (around === 'request' || around === 'route')) steps.push(aroundStep(around, refusal, captured))
  for (const [place, check] of checks.entries()) {
    const said = asked.wouldRefuse.find(({ by }) => by === place)
    if (said && check.report) steps.push(await failed(asked, check, { status: 0, ...said }, 'report'))
    else if (refusal && at === place) steps.push(await failed(asked, check, refusal, 'fail'))
    else {
      const outcome: StepOutcome = isReached(checks, place, at, refusal) ? 'pass' : 'not-reached'
      const note = outcome === 'pass' && request ? noteOf(check, request, captured, asked.principal) : ''
      steps.push({ check: check.kind.name, outcome, note, findings: [] })
    }
    const next = checks[place + 1]
    if (refusal && around !== undefined && endsStage(check, next, around))
      steps.push(aroundStep(around, refusal, captured))
  }
  if (around === 'forward') steps.push(refusal ? aroundStep(around, refusal, captured) : answeredStep(asked))
  return {
    id: captured.id,
    time: new Date(captured.receivedAt).toISOString(),
    method: captured.method,
    path: pathOf(captured.target),
    source: captured.source,
    route: captured.route ?? null,
    outcome: asked.outcome,
    status,
    refusal: refusal ? { code: refusal.code, ...textsOf(refusal.code, checks) } : null,
    limits: asked.limits,
    steps,
  }
}

/** Where a refusal stands: the place of the check that made it, or the step around the checks. */
function placeOf({ code, by, evidence }: CapturedRefusal, checks: readonly RouteCheck[]): number | Around {
  const knows = (check: RouteCheck | undefined) =>
    check !== undefined && !check.report && Object.hasOwn(denialsOf(check.kind, check.config), code)
  if (by !== undefined && (knows(checks[by]) || code === 'gateway.fault')) return by
  const found = checks.findIndex(knows)
  if (found >= 0) return found
  if (code === 'gateway.fault') {
    const named = checks.findIndex(({ kind }) => kind.name === evidence?.check)
    return named >= 0 ? named : 'forward'
  }
  if (code.startsWith('forward.')) return 'forward'
  if (code === 'body.malformed' || code === 'body.coding') return 'content'
  if (code.startsWith('route.') || code === 'request.misdirected') return 'route'
  return checks.length > 0 && code !== 'request.handshake' ? 'body' : 'request'
}

const ORDER: Readonly<Record<Around, number>> = { request: -2, route: -1, body: 0, content: 1, forward: 3 }
const STAGE: Readonly<Record<Stage, number>> = { head: 0, body: 1, content: 2 }
const stageNumber = ({ kind, config }: RouteCheck): number => STAGE[stageOf(kind, config)]

function isReached(
  checks: readonly RouteCheck[],
  place: number,
  at: number | Around | undefined,
  refusal: CapturedRefusal | undefined,
): boolean {
  const check = checks[place]
  if (check === undefined) return false
  if (at === undefined) return true
  if (typeof at === 'string') return stageNumber(check) <= ORDER[at]
  // A cap that was met while the body came: all checks of the head had passed.
  if (refusal?.code === 'body-limit.exceeded' && refusal.evidence?.what !== undefined) return stageNumber(check) === 0
  return place < at
}

/** Whether the step that refused stands between these two checks. */
function endsStage(check: RouteCheck, next: RouteCheck | undefined, around: Around): boolean {
  if (around !== 'body' && around !== 'content') return false
  const after = next === undefined ? Number.POSITIVE_INFINITY : stageNumber(next)
  return stageNumber(check) <= ORDER[around] && after > ORDER[around]
}

function aroundStep(check: Around, { code, evidence }: CapturedRefusal, captured: CapturedRequest): ExplainedStep {
  const spec = specOf(code, [])
  const findings = explainPipeline(code, evidence, captured)
  return { check, outcome: 'fail', note: spec?.meaning ?? '', findings, code, evidence, remedy: spec?.remedy }
}

function answeredStep({ status, clues, sends, captured }: ToExplain): ExplainedStep {
  return {
    check: 'forward',
    outcome: 'fail',
    note: `The request was verified and sent; the upstream answered ${status}.`,
    findings: sends ? surestFirst(explainAnswer(status, clues, sends, captured.receivedAt)) : [],
    evidence: clues,
    remedy: "See the upstream's own log by the X-Request-Id, which is the id of this request.",
  }
}

async function failed(
  asked: ToExplain,
  check: RouteCheck,
  refusal: CapturedRefusal,
  outcome: 'fail' | 'report',
): Promise<ExplainedStep> {
  const { kind } = check
  const { code, evidence } = refusal
  const spec = specOf(code, [check])
  let note = spec?.meaning ?? ''
  let findings: readonly Finding[] = []
  try {
    findings = surestFirst(await nearMisses(asked, check, refusal))
  } catch (error) {
    note += ` Near misses could not be tried (${error instanceof Error ? error.message : 'unknown error'}).`
  }
  return { check: kind.name, outcome, note, findings, code, evidence, remedy: spec?.remedy }
}

async function nearMisses(asked: ToExplain, check: RouteCheck, refusal: CapturedRefusal): Promise<readonly Finding[]> {
  const { request, captured } = asked
  const { kind, config, resources } = check
  // A captured refusal fits the config in force, or there is nothing to compare.
  if (request === undefined || !Object.hasOwn(denialsOf(kind, config), refusal.code)) return []
  const elsewhere = asked.elsewhere.flatMap(({ route, check: other }) => [...sameKind(route, other, kind.name)])
  const { masked = false } = captured
  const explaining: Explaining<never> = { request, cut: isCut(captured), masked, refusal, elsewhere }
  return (await kind.explain?.(config as never, explaining, resources)) ?? []
}

/** The check itself, or those of its kind in its list. */
function* sameKind(
  route: string,
  { kind, config, resources }: Pick<RouteCheck, 'kind' | 'config' | 'resources'>,
  name: string,
): Generator<{ readonly route: string; readonly config: never; readonly resources: Resources }> {
  if (kind.name === name) yield { route, config: config as never, resources }
  for (const member of kind.members?.(config) ?? []) yield* sameKind(route, { ...member, resources }, name)
}

function specOf(code: string, checks: readonly RouteCheck[]): DenialSpec | undefined {
  if (Object.hasOwn(pipelineDenials, code)) return pipelineDenials[code as keyof typeof pipelineDenials]
  for (const { kind, config } of checks) {
    const denials = denialsOf(kind, config)
    if (Object.hasOwn(denials, code)) return denials[code]
  }
  return undefined
}

function textsOf(code: string, checks: readonly RouteCheck[]): { readonly title: string; readonly meaning: string } {
  const { title = '', meaning = '' } = specOf(code, checks) ?? {}
  return { title, meaning }
}

function pathOf(target: string): string {
  const mark = target.indexOf('?')
  return (mark < 0 ? target : target.slice(0, mark)).slice(0, 256)
}
