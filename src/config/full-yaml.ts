import { createRequire } from 'node:module'
import type { Document, Node, Pair, YAMLParseError } from 'yaml'
import { Marks } from './marks.ts'
import type { Place } from './place.ts'
import { visible } from './problem.ts'
import { scanQuotes } from './quote-marks.ts'
import { DEEPEST, type Spot, scanCharacters, syntaxSpot } from './syntax.ts'

/** What the YAML library makes of a text. */
export interface Read {
  /** `undefined` where nothing can be read. */
  readonly root: Place | undefined
  readonly spots: readonly Spot[]
}

type Yaml = typeof import('yaml')

/** Reads any YAML 1.2 document and refuses what a config has no use for: aliases, tags, several documents, tabs. */
export function readYaml(text: string): Read {
  // Most configs are read without it.
  const yaml: Yaml = createRequire(import.meta.url)('yaml')
  const tokens = [...new yaml.Lexer().lex(text)]
  const spots: Spot[] = [...scanCharacters(text, tokens), ...scanQuotes(text, tokens)]
  let root: Place | undefined
  // Even a file that is refused already is parsed, so that what must not be printed is known; save too deep a one.
  if (!spots.some(spot => spot.deep)) {
    try {
      const parsed = parse(yaml, tokens, text)
      // Behind a fatal one, what is found of the structure is its echo.
      const isBroken = spots.some(spot => spot.fatal)
      if (!isBroken) addFaults(spots, parsed.errors, text)
      const found: Spot[] = []
      root = build({ yaml, text, marks: new Marks(tokens), spots: found }, parsed.contents, 0)
      if (!isBroken) spots.push(...found)
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
  return { root, spots }
}

/** The parser's faults, save those that it makes of what was found already. */
function addFaults(spots: Spot[], faults: readonly YAMLParseError[], text: string): void {
  const lineOf = (at: number): number => text.lastIndexOf('\n', at - 1)
  for (const fault of faults.slice(0, 50)) {
    // `buildMap` tells where the first one stands.
    if (fault.code === 'DUPLICATE_KEY') continue
    const spot = syntaxSpot(fault, text)
    if (spots.some(other => other.start === spot.start && other.end >= spot.end)) continue
    const cause = spots.findIndex(other => !other.fatal && lineOf(other.start) === lineOf(spot.start))
    const known = spots[cause]
    if (known) spots[cause] = { ...known, fatal: true }
    else spots.push(spot)
  }
}

/** What yaml's `parseDocument` does, of tokens that are there already: taking a text apart is half of the work. */
function parse(yaml: Yaml, tokens: readonly string[], text: string): Document.Parsed {
  const parser = new yaml.Parser()
  const composer = new yaml.Composer({ prettyErrors: false, version: '1.2', schema: 'core', logLevel: 'error' })
  function* parts() {
    for (const token of tokens) yield* parser.next(token)
    yield* parser.end()
  }
  const [first, second] = composer.compose(parts(), true, text.length)
  if (first === undefined) throw new Error('there is no document in it')
  if (second)
    first.errors.push(
      new yaml.YAMLParseError(
        [second.range[0], second.range[1]],
        'MULTIPLE_DOCS',
        'Source contains multiple documents',
      ),
    )
  return first as Document.Parsed
}

/** What a document is read with. */
interface Reading {
  readonly yaml: Yaml
  readonly text: string
  readonly marks: Marks
  readonly spots: Spot[]
}

type Range = readonly [start: number, end: number]

function build(reading: Reading, node: Node | null, depth: number): Place {
  const { yaml, spots, marks } = reading
  const [start, end] = node?.range ?? [0, 0]
  const range = [start, Math.max(end, start + 1)] as const
  if (depth > DEEPEST) {
    refuse(spots, range, `nested more than ${DEEPEST} levels deep`, 'write it with less nesting')
    return { value: null, range }
  }
  if (yaml.isAlias(node)) {
    refuse(spots, range, `the alias *${node.source} is not read here`, ALIAS_MEND)
    return { value: null, range, marks: [range] }
  }
  const own = node ? marks.before(start) : []
  refuseMarks(reading, node, own)
  if (yaml.isMap<Node, Node | null>(node)) return buildMap(reading, node.items, range, depth)
  if (yaml.isSeq<Node>(node)) {
    const children = new Map<string | number, Place>()
    for (const [index, item] of node.items.entries()) children.set(index, build(reading, item, depth + 1))
    return { value: [...children.values()].map(child => child.value), range, children }
  }
  return { ...buildScalar(reading, node, range), ...(own.length > 0 ? { marks: own } : {}) }
}

const ALIAS_MEND = 'write the value out where it is used; where the "*" is a part of it, put it in quotes'

function refuse(spots: Spot[], [start, end]: Range, message: string, mend: string): void {
  spots.push({ start, end, message, mend, fatal: true })
}

/** Tags and anchors, at their own place: the value may begin a line below. */
function refuseMarks({ spots, text }: Reading, node: Node | null, marks: readonly Range[]): void {
  for (const mark of marks) {
    const written = text.slice(...mark)
    if (written.startsWith('&'))
      refuse(
        spots,
        mark,
        `the anchor ${written} is not read here`,
        'leave the anchor out, and write the value out where it is used',
      )
    else if (node?.tag !== undefined)
      refuse(
        spots,
        mark,
        `the tag ${written} is not read here`,
        'leave the tag out; quote the value where it has to be a text',
      )
  }
}

function buildMap(reading: Reading, items: readonly Pair<Node, Node | null>[], range: Range, depth: number): Place {
  const { yaml, text, spots, marks } = reading
  const children = new Map<string | number, Place>()
  const shadowed: [string, Place][] = []
  const value: Record<string, unknown> = {}
  for (const pair of items) {
    const [from, to] = pair.key?.range ?? range
    // The marks before a block are not those of its first key.
    const own = pair.key === null ? [] : marks.before(from).filter(([start]) => start >= range[0])
    const end = to > from ? to : (own.at(-1)?.[1] ?? from + 1)
    const key = [own[0]?.[0] ?? from, end] as const
    refuseMarks(reading, pair.key, own)
    const name = yaml.isScalar(pair.key) ? pair.key.value : undefined
    const child = { ...build(reading, pair.value, depth + 1), key }
    if (pair.value === null || child.range[0] < key[0]) Object.assign(child, { range: key })
    if (
      typeof name !== 'string' ||
      name === '__proto__' ||
      (name === '<<' && yaml.isScalar(pair.key) && pair.key.type === 'PLAIN')
    ) {
      const shown = yaml.isScalar(pair.key)
        ? `the key ${visible(String(pair.key.source ?? pair.key.value))}`
        : 'a key here'
      refuse(
        spots,
        key,
        `${shown} is no text that a key can be`,
        'write a plain word as the key, in quotes where it is a number',
      )
      shadowed.push([text.slice(...key), child])
      continue
    }
    const earlier = children.get(name)
    if (earlier) {
      shadowed.push([name, earlier])
      const line = text.slice(0, earlier.key?.[0] ?? 0).split('\n').length
      spots.push({
        start: key[0],
        end: key[1],
        message: `YAML: this key stands in line ${line} already, and one block can have it once`,
        mend: 'keep one of the two, or put what both hold under the first',
        fatal: false,
      })
    }
    children.set(name, child)
    value[name] = child.value
  }
  return { value, range, children, shadowed }
}

function buildScalar({ yaml, text, spots }: Reading, node: Node | null, range: Range): Place {
  if (!yaml.isScalar(node)) return { value: null, range }
  const { value } = node
  if (
    typeof value === 'number' &&
    (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value)))
  )
    refuse(
      spots,
      range,
      `the number ${node.source} would be rounded`,
      'write a smaller number, or quote it where a text is meant',
    )
  const written = text.slice(range[0], node.range?.[1] ?? range[1])
  return { value, range, lead: typeof value === 'string' ? leadOf(value, written) : undefined }
}

function leadOf(value: string, written: string): number | undefined {
  if (written === value) return 0
  return written.slice(1, -1) === value && /^["']/.test(written) ? 1 : undefined
}
