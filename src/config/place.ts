import type { Fault, Path } from './fault.ts'

/** One value of the YAML, and where it stands, in UTF-16 units of the text. */
export interface Place {
  readonly value: unknown
  readonly range: readonly [start: number, end: number]
  readonly key?: readonly [start: number, end: number] | undefined
  /** How many units of the source stand before the value's first one; `undefined` where they do not match one to one. */
  readonly lead?: number | undefined
  /** Where its tag, its anchor or its alias stands. */
  readonly marks?: readonly (readonly [start: number, end: number])[] | undefined
  readonly children?: ReadonlyMap<string | number, Place>
  /** Entries that a later one of the same key stands before: refused, but what they hold is to be masked as well. */
  readonly shadowed?: readonly (readonly [key: string, place: Place])[]
}

export function find(root: Place | undefined, path: Path): Place | undefined {
  let place = root
  for (const step of path) place = place?.children?.get(step)
  return place
}

export function locate(
  root: Place | undefined,
  fault: Pick<Fault, 'path' | 'on' | 'part'>,
): readonly [start: number, end: number] {
  let place = root
  for (const [index, step] of fault.path.entries()) {
    const child = place?.children?.get(step)
    // A missing key is shown at what should hold it: by its key where it has one, as a block value spans lines.
    if (!child) return index === 0 ? [0, 1] : (place?.key ?? firstOf(place))
    place = child
  }
  if (!place) return [0, 1]
  if (fault.on === 'key' && place.key) return place.key
  if (fault.part && place.lead !== undefined) {
    const start = place.range[0] + place.lead + fault.part.at
    return [start, start + fault.part.length]
  }
  return place.children?.size && place.key ? place.key : firstOf(place)
}

/** A collection in a list has no key of its own: its first key stands for it. */
function firstOf(place: Place | undefined): readonly [number, number] {
  const [first] = place?.children?.values() ?? []
  return first?.key ?? place?.range ?? [0, 1]
}

/** Told of every place: the key or index that leads to it, which is `undefined` for the root. */
export interface Visit<State> {
  /** What is the same for all entries of one list is asked for once. */
  enter(parent: State, step: string | number): State
  visit(place: Place, state: State, step: string | number | undefined): void
}

/** Goes through every place, a collection before what it holds, with what is known of each from the one above. */
export function eachPlace<State>(root: Place | undefined, first: State, { enter, visit }: Visit<State>): void {
  const states = new Map<string, State>()
  const inside = (place: Place, kind: string, state: State): void => {
    for (const [step, child] of [...(place.children ?? []), ...(place.shadowed ?? [])]) {
      const below = `${kind}\n${typeof step === 'number' ? '' : step}`
      let known = states.get(below)
      if (known === undefined) {
        known = enter(state, step)
        states.set(below, known)
      }
      visit(child, known, step)
      inside(child, below, known)
    }
  }
  if (!root) return
  visit(root, first, undefined)
  inside(root, '', first)
}
