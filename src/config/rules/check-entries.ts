import type { AnyCheckKind } from '../../core/check.ts'
import type { Path } from '../fault.ts'
import type { DraftFile, RuleContext } from './context.ts'

/** A check of a route that could be read, wherever it stands: in the route's list, or in one inside. */
export interface CheckEntry {
  readonly kind: AnyCheckKind
  /** Parsed; a part that is at fault is absent. */
  readonly config: unknown
  /** Of its settings. */
  readonly path: Path
}

/** By the list of a route. Each of many rules asks for all of them. */
const known = new WeakMap<object, readonly CheckEntry[]>()

/** Every check of a route. */
export function checkEntries(
  file: DraftFile,
  route: number,
  { kinds }: Pick<RuleContext, 'kinds'>,
): readonly CheckEntry[] {
  const list = file.routes?.[route]?.checks
  if (list === undefined) return []
  const before = known.get(list)
  if (before !== undefined) return before
  const entries = [...entriesIn(list, ['routes', route, 'checks'], kinds)]
  known.set(list, entries)
  return entries
}

function* entriesIn(list: unknown, path: Path, kinds: readonly AnyCheckKind[]): Generator<CheckEntry> {
  if (!Array.isArray(list)) return
  for (const [index, entry] of list.entries()) {
    if (typeof entry !== 'object' || entry === null) continue
    for (const kind of kinds) {
      const config: unknown = Object.hasOwn(entry, kind.name) ? Reflect.get(entry, kind.name) : undefined
      if (config === undefined) continue
      const at = [...path, index, kind.name]
      yield { kind, config, path: at }
      if (kind.members) yield* entriesIn(config, at, kinds)
    }
  }
}

/** A member of settings, whatever they are. */
export function settingOf(config: unknown, key: string): unknown {
  return typeof config === 'object' && config !== null ? Reflect.get(config, key) : undefined
}
