import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  YAMLParseError,
} from 'yaml'
import type { Fault, Path } from './fault.ts'
import { visible } from './problem.ts'
import { DEEPEST, type Spot, scanCharacters, syntaxSpot } from './syntax.ts'

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
  /** Every scalar: its path, text and place. */
  scalars(): Iterable<Place & { readonly path: Path }>
}

interface Place {
  readonly value: unknown
  readonly range: readonly [start: number, end: number]
  readonly key?: readonly [start: number, end: number] | undefined
  /** How many units of the source stand before the value's first one; `undefined` where they do not match one to one. */
  readonly lead?: number | undefined
  readonly children?: ReadonlyMap<string | number, Place>
  /** Entries that a later one of the same key stands before: refused, but what they hold is to be masked as well. */
  readonly shadowed?: readonly (readonly [key: string, place: Place])[]
}

/** Reads one YAML 1.2 document and refuses what a config has no use for: aliases, tags, several documents, tabs. */
export function readSource(text: string): Source {
  const lines = new LineCounter()
  const tokens = [...new Lexer().lex(text)]
  const spots: Spot[] = [...scanCharacters(text, tokens)]
  let root: Place | undefined
  lines.addNewLine(0)
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines.addNewLine(at + 1)
  // Even a file that is refused already is parsed, so that what must not be printed is known; save too deep a one.
  if (!spots.some(spot => spot.deep)) {
    try {
      const parsed = parse(tokens, text)
      // Behind a fatal one, the parser's own faults are its echoes.
      const faults = spots.some(spot => spot.fatal) ? [] : parsed.errors.slice(0, 50)
      for (const fault of faults) {
        const spot = syntaxSpot(fault, text)
        if (!spots.some(other => other.start === spot.start && other.end >= spot.end)) spots.push(spot)
      }
      root = build(parsed.contents, text, spots, 0)
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause
      spots.push({
        start: 0,
        end: 1,
        fatal: true,
        message: `the file can not be read as YAML: ${cause.message}`,
        mend: 'write it with less nesting',
      })
    }
  }
  return {
    value: spots.some(spot => spot.fatal) ? undefined : root?.value,
    spots,
    locate: fault => locate(root, fault),
    place(offset) {
      const { line, col } = lines.linePos(offset)
      return { line, column: col }
    },
    at: path => find(root, path)?.value,
    scalars: () => scalars(root, []),
  }
}

/** What yaml's `parseDocument` does, of tokens that are there already: taking a text apart is half of the work. */
function parse(tokens: readonly string[], text: string): Document.Parsed {
  const parser = new Parser()
  const composer = new Composer({ prettyErrors: false, version: '1.2', schema: 'core', logLevel: 'error' })
  function* parts() {
    for (const token of tokens) yield* parser.next(token)
    yield* parser.end()
  }
  const [first, second] = composer.compose(parts(), true, text.length)
  if (first === undefined) throw new Error('there is no document in it')
  if (second)
    first.errors.push(
      new YAMLParseError([second.range[0], second.range[1]], 'MULTIPLE_DOCS', 'Source contains multiple documents'),
    )
  return first as Document.Parsed
}

function find(root: Place | undefined, path: Path): Place | undefined {
  let place = root
  for (const step of path) place = place?.children?.get(step)
  return place
}

function locate(root: Place | undefined, fault: Pick<Fault, 'path' | 'on' | 'part'>): readonly [number, number] {
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

function build(node: Node | null, text: string, spots: Spot[], depth: number): Place {
  const [start, end] = node?.range ?? [0, 0]
  const range = [start, Math.max(end, start + 1)] as const
  const refuse = (message: string, mend: string, at: readonly [number, number] = range) =>
    spots.push({ start: at[0], end: at[1], message, mend, fatal: true })
  if (depth > DEEPEST) {
    refuse(`nested more than ${DEEPEST} levels deep`, 'write it with less nesting')
    return { value: null, range }
  }
  if (isAlias(node)) {
    refuse(`the alias *${node.source} is not read here`, 'write the value out where it is used')
    return { value: null, range }
  }
  if (node && 'anchor' in node && node.anchor !== undefined)
    refuse(
      `the anchor &${node.anchor} is not read here`,
      'leave the anchor out, and write the value out where it is used',
    )
  if (node?.tag !== undefined)
    refuse(
      `the tag ${node.tag.replace('tag:yaml.org,2002:', '!!')} is not read here`,
      'leave the tag out; quote the value where it has to be a text',
    )
  if (isMap<Node, Node | null>(node)) {
    const children = new Map<string | number, Place>()
    const shadowed: [string, Place][] = []
    const value: Record<string, unknown> = {}
    for (const pair of node.items) {
      const [from, to] = pair.key?.range ?? range
      const key = [from, Math.max(to, from + 1)] as const
      const name = isScalar(pair.key) ? pair.key.value : undefined
      if (
        typeof name !== 'string' ||
        name === '__proto__' ||
        (name === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN')
      ) {
        const shown = isScalar(pair.key)
          ? `the key ${visible(String(pair.key.source ?? pair.key.value))}`
          : 'a key here'
        refuse(
          `${shown} is no text that a key can be`,
          'write a plain word as the key, in quotes where it is a number',
          key,
        )
        continue
      }
      const child = { ...build(pair.value, text, spots, depth + 1), key }
      if (pair.value === null || child.range[0] < from) Object.assign(child, { range: key })
      const earlier = children.get(name)
      if (earlier) shadowed.push([name, earlier])
      children.set(name, child)
      value[name] = child.value
    }
    return { value, range, children, shadowed }
  }
  if (isSeq<Node>(node)) {
    const children = new Map<string | number, Place>()
    for (const [index, item] of node.items.entries()) children.set(index, build(item, text, spots, depth + 1))
    return { value: [...children.values()].map(child => child.value), range, children }
  }
  if (!isScalar(node)) return { value: null, range }
  const { value } = node
  if (
    typeof value === 'number' &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
  )
    refuse(`the number ${node.source} would be rounded`, 'write a smaller number, or quote it where a text is meant')
  return { value, range, lead: typeof value === 'string' ? leadOf(value, text.slice(start, end)) : undefined }
}

function leadOf(value: string, written: string): number | undefined {
  if (written === value) return 0
  return written.slice(1, -1) === value && /^["']/.test(written) ? 1 : undefined
}

function* scalars(place: Place | undefined, path: Path): Generator<Place & { readonly path: Path }> {
  if (!place) return
  if (!place.children) yield { ...place, path }
  else
    for (const [step, child] of [...place.children, ...(place.shadowed ?? [])]) yield* scalars(child, [...path, step])
}
