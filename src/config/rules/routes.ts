import { error, type Fault, type Path, warning } from '../fault.ts'
import { nearest } from '../nearest.ts'
import type { DraftFile, Rule } from './context.ts'

type RouteDraft = NonNullable<NonNullable<DraftFile['routes']>[number]>

export const oneNameEach: Rule = function* (file) {
  for (const list of ['listeners', 'routes'] as const) {
    const seen = new Set<string>()
    for (const [index, entry] of (file[list] ?? []).entries()) {
      const name = entry?.name
      if (name === undefined) continue
      if (seen.has(name))
        yield error(
          [list, index, 'name'],
          `name: another of the ${list} is named "${name}" already`,
          'choose another name: logs and metrics tell them apart by it',
        )
      seen.add(name)
    }
  }
}

export const knownListener: Rule = function* (file, context) {
  const names = (file.listeners ?? []).flatMap(listener => listener?.name ?? [])
  // A listener whose own name is at fault is reported there.
  if (names.length < (file.listeners ?? []).length || !Array.isArray(context.at(['listeners']))) return
  for (const [index, route] of (file.routes ?? []).entries())
    if (route?.listener !== undefined && !names.includes(route.listener))
      yield error(
        ['routes', index, 'listener'],
        `listener: there is no listener "${route.listener}"`,
        whichListener(route.listener, names),
      )
}

export const onePathEach: Rule = function* (file, context) {
  for (const [index, route] of (file.routes ?? []).entries()) {
    if (!route?.match) continue
    const path: Path = ['routes', index, 'match']
    const has = (key: string) => context.at([...path, key]) !== undefined
    if (has('path') && has('path-prefix'))
      yield error(
        [...path, 'path-prefix'],
        'match: path and path-prefix exclude each other',
        'keep one of the two; write two routes for both',
        'key',
      )
    if (!has('path') && !has('path-prefix') && isBlock(context.at(path)))
      yield error(
        path,
        'match: neither path nor path-prefix is given',
        'add path: /hooks/name, or path-prefix: /hooks/name/',
      )
    const prefix = route.match['path-prefix']
    if (prefix !== undefined && !prefix.endsWith('/'))
      yield error(
        [...path, 'path-prefix'],
        `path-prefix: "${prefix}" does not end with "/", so it would take "${prefix}x" too`,
        `write "${prefix}/"; for that one path alone write path: ${prefix}`,
      )
    const to = route.forward?.to
    if (prefix !== undefined && to !== undefined && !to.endsWith('/'))
      yield error(
        ['routes', index, 'forward', 'to'],
        `to: "${to}" does not end with "/", but the rest of the path follows it`,
        `write "${to}/"`,
      )
    yield* methodsOnce(route.match.methods, [...path, 'methods'])
  }
}

/** What other programs write for a part of a path that varies: here it is compared byte by byte, and never comes. */
const PATTERN = /^(?:\*\*?|.*\*|:[A-Za-z_]\w*)$/

export const noPatterns: Rule = function* (file) {
  for (const [index, route] of (file.routes ?? []).entries())
    for (const key of ['path', 'path-prefix'] as const) {
      const path = route?.match?.[key]
      const segments = path?.split('/') ?? []
      const at = segments.findIndex(segment => PATTERN.test(segment))
      if (path === undefined || at < 0) continue
      const prefix = `${segments.slice(0, at).join('/')}/`
      yield {
        ...warning(
          ['routes', index, 'match', key],
          `${key}: ${JSON.stringify(segments[at])} is no pattern here: a path is compared byte by byte`,
          `for every path below it write path-prefix: ${prefix}`,
        ),
        part: { at: prefix.length, length: segments[at]?.length ?? 0 },
      }
    }
}

const isBlock = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)

function* methodsOnce(methods: readonly (string | undefined)[] | undefined, path: Path): Generator<Fault> {
  for (const [index, method] of (methods ?? []).entries())
    if (method !== undefined && methods?.indexOf(method) !== index)
      yield warning([...path, index], `methods: ${method} is named twice`, 'leave one of the two out')
}

function whichListener(name: string, names: readonly string[]): string {
  const near = nearest(name, names)
  return `${near === undefined ? '' : `did you mean "${near}"? `}the listeners are: ${[...new Set(names)].sort().join(', ')}`
}

/** Two routes for one request would make the answer depend on chance. */
export const noTwinRoutes: Rule = function* (file, context) {
  // By what two routes have to agree in, so that a long list costs no look at every pair.
  const seen = new Map<string, { route: RouteDraft; index: number }[]>()
  for (const [index, route] of (file.routes ?? []).entries()) {
    if (!route?.match || (route.match.path === undefined) === (route.match['path-prefix'] === undefined)) continue
    // A host that could not be read is no missing host.
    if (route.match.host === undefined && context.at(['routes', index, 'match', 'host']) !== undefined) continue
    const { host, path, 'path-prefix': prefix } = route.match
    const place = JSON.stringify([host, path, prefix])
    const others = seen.get(place) ?? []
    const twin = others.find(other => sameRequests(other.route, route))
    if (twin) {
      const methods = route.match.methods?.filter(method => twin.route.match?.methods?.includes(method)).join(', ')
      const key = route.match.path === undefined ? 'path-prefix' : 'path'
      yield error(
        ['routes', index, 'match', key],
        `match: ${methods} ${route.match[key]} is taken already by the route "${twin.route.name ?? twin.index + 1}"`,
        'give one of them another path, host, method or listener',
      )
    }
    others.push({ route, index })
    seen.set(place, others)
  }
}

/** Of two routes of one place. */
function sameRequests(a: RouteDraft, b: RouteDraft): boolean {
  return (
    (a.listener === undefined || b.listener === undefined || a.listener === b.listener) &&
    (a.match?.methods ?? []).some(method => method !== undefined && b.match?.methods?.includes(method))
  )
}
