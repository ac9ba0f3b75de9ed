import { type AnyCheckKind, STAGES, type Stage, stageOf } from '../../core/check.ts'
import { error, type Fault, type Path, warning } from '../fault.ts'
import { labelOf } from '../words.ts'
import type { Rule } from './context.ts'

const READS: Readonly<Record<Stage, string>> = {
  head: 'needs only the head',
  body: 'needs the body',
  content: "needs the body's decoded content",
}
/** Checks that say who sent a request, or from where. */
const AUTHENTICATES: ReadonlySet<string> = new Set([
  'source-ip',
  'signature',
  'bearer',
  'jwt',
  'introspection',
  'api-key',
  'basic',
  'client-cert',
])
/** Checks that make sense more than once in a route: each has a key of its own to count by. */
const REPEATABLE: ReadonlySet<string> = new Set(['rate-limit'])

interface Item {
  readonly kind: AnyCheckKind
  readonly stage: Stage
  /** As written. */
  readonly config: unknown
  readonly path: Path
  readonly report: boolean
}

/** Every route's checks that are known, in the order written; a check whose settings are at fault counts as well. */
function items(checks: unknown, path: Path, kinds: readonly AnyCheckKind[]): Item[] {
  if (!Array.isArray(checks)) return []
  return checks.flatMap((item: unknown, index) => {
    if (typeof item !== 'object' || item === null) return []
    const kind = kinds.find(({ name }) => Object.hasOwn(item, name))
    const config: unknown = kind && Reflect.get(item, kind.name)
    const report = Reflect.get(item, 'mode') === 'report'
    return kind ? [{ kind, stage: stageOf(kind, config), config, path: [...path, index, kind.name], report }] : []
  })
}

export const checksInOrder: Rule = function* (_file, context) {
  for (const { path, route } of routes(context.at(['routes']))) {
    const all = items(route.checks, [...path, 'checks'], context.kinds)
    yield* stagesRise(all)
    yield* noRepeats(all.filter(({ report }) => !report))
    yield* noRepeats(all.filter(({ report }) => report))
    yield* reportsFit(all)
    const whole = Array.isArray(route.checks) && all.length === route.checks.length
    if (whole && all.length > 0 && !all.some(item => !item.report && authenticates(item.kind, item.config))) {
      const reporting = all.find(item => authenticates(item.kind, item.config))?.kind.name
      yield warning(
        [...path, 'checks'],
        `${labelOf(path, context)}: no check says who sent a request, so anybody's passes${reporting ? `: "${reporting}" only reports` : ''}`,
        reporting
          ? `take "mode: report" from "${reporting}", or add one of ${[...AUTHENTICATES].join(', ')}`
          : `add one of ${[...AUTHENTICATES].join(', ')}`,
        'key',
      )
    }
  }
}

/** A signature over a part of the body holds for every other body with that part: what was captured comes again, changed. */
export const partsOnce: Rule = function* (_file, context) {
  for (const { path, route } of routes(context.at(['routes']))) {
    const all = items(route.checks, [...path, 'checks'], context.kinds)
    if (all.some(({ kind, report }) => kind.name === 'replay' && !report)) continue
    for (const { config, path: at } of signatures(all))
      if (typeof config === 'object' && config !== null && Reflect.get(config, 'signs') === 'part')
        yield warning(
          [...at, 'signs'],
          'signs: the rest of the body is unsigned, so whoever captures a request can change it and send it again',
          'add "- replay: {}" behind the signature, which lets what was signed through once; trust only the signed part',
          'key',
        )
  }
}

function signatures(all: readonly Item[]): Item[] {
  return all.flatMap(item => [
    ...(item.kind.name === 'signature' ? [item] : []),
    ...signatures(
      (item.kind.members?.(item.config) ?? []).map(member => ({
        ...member,
        stage: member.kind.stage,
        path: [...item.path, member.index, member.kind.name],
        report: item.report,
      })),
    ),
  ])
}

/** Whether a request that it admits was said to be somebody's: of alternatives, each must. */
function authenticates(kind: AnyCheckKind, config: unknown): boolean {
  if (!kind.members) return AUTHENTICATES.has(kind.name)
  const each = kind.members(config).map(member => authenticates(member.kind, member.config))
  return kind.name === 'any-of' ? each.every(Boolean) : each.some(Boolean)
}

function* routes(value: unknown): Generator<{ path: Path; route: { readonly checks?: unknown } }> {
  if (!Array.isArray(value)) return
  for (const [index, route] of value.entries())
    if (typeof route === 'object' && route !== null) yield { path: ['routes', index], route }
}

function* stagesRise(all: readonly Item[]): Generator<Fault> {
  let latest: Item | undefined
  for (const item of all) {
    if (latest && STAGES.indexOf(item.stage) < STAGES.indexOf(latest.stage))
      yield error(
        item.path,
        `checks: "${item.kind.name}" ${READS[item.stage]}, but stands after "${latest.kind.name}", which ${READS[latest.stage]}`,
        `move "${item.kind.name}" before "${latest.kind.name}"`,
        'key',
      )
    else latest = item
  }
}

function* noRepeats(all: readonly Item[]): Generator<Fault> {
  for (const [index, item] of all.entries())
    if (!REPEATABLE.has(item.kind.name) && all.findIndex(({ kind }) => kind === item.kind) < index)
      yield error(item.path, `checks: "${item.kind.name}" stands twice in this route`, 'make the two one', 'key')
}

function* reportsFit(all: readonly Item[]): Generator<Fault> {
  for (const { kind, path, report } of all)
    if (report && kind.name === 'challenge')
      yield error(
        [...path.slice(0, -1), 'mode'],
        'mode: "challenge" answers a service before anything is checked, so there is nothing to report',
        'leave mode out',
        'key',
      )
}

/** A demand for client certificates that no listener asks for would refuse everybody. */
export const certificatesAskedFor: Rule = function* (file, context) {
  for (const [index, route] of (file.routes ?? []).entries()) {
    const asks = (file.listeners ?? []).some((listener, at) => {
      const reached = route?.listener === undefined || listener?.name === undefined || listener.name === route.listener
      const places = [
        ['tls', 'client-ca'],
        ['proxy-client-cert', 'client-ca'],
      ]
      return reached && places.some(place => context.at(['listeners', at, ...place]) !== undefined)
    })
    const path: Path = ['routes', index, 'checks']
    if (asks) continue
    for (const found of demands(items(context.at(path), path, context.kinds))) {
      const because = `client-cert: no listener of ${labelOf(['routes', index], context)} asks for client certificates`
      const mend = 'add "client-ca" to the tls of its listener'
      if (found.instead) yield warning(found.path, `${because}, so ${found.instead}`, mend, 'key')
      else yield error(found.path, `${because}, so everybody would be refused`, mend, 'key')
    }
  }
}

interface Demand {
  readonly path: Path
  /** What becomes of requests, where they are not refused for it. */
  readonly instead: string | undefined
}

const ALTERNATIVE = 'this alternative admits nobody'

/** Where client certificates are demanded, and whether something else may be shown in their place. */
function* demands(all: readonly Item[], instead?: string): Generator<Demand> {
  for (const { kind, config, path, report } of all) {
    const here = report ? 'it would refuse everybody' : instead
    if (kind.name === 'client-cert') yield { path, instead: here }
    const members = kind.members?.(config) ?? []
    const inside = members.map(member => ({
      ...member,
      stage: member.kind.stage,
      path: [...path, member.index, member.kind.name],
      report: false,
    }))
    yield* demands(inside, here ?? (kind.name === 'any-of' ? ALTERNATIVE : undefined))
  }
}

/** An entry holds one check: two in one block would have no order. */
export const oneCheckAnEntry: Rule = function* (_file, context) {
  for (const { path, route } of routes(context.at(['routes']))) {
    if (!Array.isArray(route.checks)) continue
    for (const [index, item] of route.checks.entries()) {
      if (typeof item !== 'object' || item === null || Array.isArray(item)) continue
      const keys = Object.keys(item).filter(key => key !== 'mode')
      const here = [...path, 'checks', index]
      if (keys.length === 0)
        yield error(here, 'checks: an entry is empty', 'write one check, e.g. "- body-limit: { max: 512KiB }"')
      const second = keys.filter(key => context.kinds.some(kind => kind.name === key))[1]
      if (second !== undefined)
        yield error(
          [...here, second],
          `checks: a second check, "${second}", stands in one entry`,
          `begin a new entry: "- ${second}: ..."`,
          'key',
        )
    }
  }
}
