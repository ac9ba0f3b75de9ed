import type { Fault, Path } from './fault.ts'
import { readYaml } from './full-yaml.ts'
import { find, locate, type Place } from './place.ts'
import { readQuickly } from './quick-yaml.ts'
import type { Spot } from './syntax.ts'

/** The YAML as plain data, and where every key and value stands. */
export interface Source {
  /** `undefined` where the text is no YAML that can be read further. */
  readonly value: unknown
  readonly spots: readonly Spot[]
  /** The place of a fault, in UTF-16 units of the text; of the nearest parent where the path does not exist. */
  locate(fault: Pick<Fault, 'path' | 'on' | 'part'>): readonly [start: number, end: number]
  /** Line and column, from 1. */
  place(offset: number): { line: number; column: number }
  /** The plain value at a path. */
  at(path: Path): unknown
  /** What could be understood of the text, even where the value is `undefined`. */
  readonly root: Place | undefined
}

/** Reads one YAML 1.2 document, as configs are written. */
export function readSource(text: string): Source {
  const quick = readQuickly(text)
  const { root, spots } = quick === undefined ? readYaml(text) : { root: quick, spots: [] }
  return {
    value: spots.some(spot => spot.fatal) ? undefined : root?.value,
    spots,
    locate: fault => locate(root, fault),
    place: placeIn(text),
    at: path => find(root, path)?.value,
    root,
  }
}

/** The lines are counted when a place is first asked for. */
function placeIn(text: string): Source['place'] {
  let starts: number[] | undefined
  return offset => {
    starts ??= [...lineStarts(text)]
    const line = countUpTo(starts, offset)
    return { line, column: offset - (starts[line - 1] ?? 0) + 1 }
  }
}

function* lineStarts(text: string): Generator<number> {
  yield 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) yield at + 1
}

/** How many of the rising numbers are at most `limit`. */
function countUpTo(numbers: readonly number[], limit: number): number {
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((numbers[middle] ?? 0) <= limit) low = middle + 1
    else high = middle
  }
  return low
}
