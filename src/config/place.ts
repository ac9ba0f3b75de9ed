import type { Fault, Path } from './fault.ts'

/** One value of the YAML, and where it stands, in UTF-16 units of the text. */
export interface Place {
  readonly value: unknown
  readonly range: readonly [start: number, end: number]
  readonly key?: readonly [start: number, end: number] | undefined
  /** How many units of the source stand before the value's first one; `undefined` where they do not match one to one. */
  readonly lead?: number | undefined
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

/**
 * Every scalar.
 * @param visit gets its path, for the time of the call, and what of that is the same for all entries of one list
 */
export function eachScalar(root: Place | undefined, visit: (scalar: Place, path: Path, kind: string) => void): void {
  const path: (string | number)[] = []
  const inside = (place: Place, kind: string): void => {
    if (!place.children) visit(place, path, kind)
    for (const [step, child] of place.children ?? []) enter(step, child, kind)
    for (const [step, child] of place.shadowed ?? []) enter(step, child, kind)
  }
  const enter = (step: string | number, child: Place, kind: string): void => {
    path.push(step)
    inside(child, `${kind}\n${typeof step === 'number' ? '' : step}`)
    path.pop()
  }
  if (root) inside(root, '')
}
