import { checkJson } from '../../core/json.ts'

/** JSON as a tree of the texts that it is written in: no number and no string changes until a style says so. */
export type JsonNode =
  | { readonly kind: 'scalar'; readonly text: string }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [name: string, value: JsonNode])[] }

/** How a program writes JSON. */
export interface JsonStyle {
  /** Between two entries, and behind a name. */
  readonly comma: string
  readonly colon: string
  /** One level; absent: all on one line. */
  readonly indent?: string
  readonly newline?: string
  /** A string or a name, quotes included. */
  readonly string?: (text: string) => string
  readonly number?: (text: string) => string
  /** `true`, `false` and `null`. */
  readonly word?: (text: string) => string
  readonly sorted?: boolean
  readonly end?: string
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gs

/** `undefined` where it is not strict JSON. Its depth is bounded by `checkJson`. */
export function readTree(body: Buffer): JsonNode | undefined {
  if (checkJson(body, true) !== undefined) return undefined
  const tokens = body.toString('utf8').match(TOKEN) ?? []
  let at = 0
  const node = (): JsonNode => {
    const text = tokens[at++] ?? ''
    if (text === '[') {
      const items: JsonNode[] = []
      while (tokens[at] !== ']') {
        if (tokens[at] === ',') at++
        items.push(node())
      }
      at++
      return { kind: 'array', items }
    }
    if (text !== '{') return { kind: 'scalar', text }
    const members: [string, JsonNode][] = []
    while (tokens[at] !== '}') {
      if (tokens[at] === ',') at++
      const name = tokens[at] ?? ''
      at += 2
      members.push([name, node()])
    }
    at++
    return { kind: 'object', members }
  }
  return node()
}

/** The tree as that program would write it. */
export function writeTree(tree: JsonNode, style: JsonStyle): string {
  const {
    comma,
    colon,
    indent,
    newline = '\n',
    string = same,
    number = same,
    word = same,
    sorted = false,
    end = '',
  } = style
  const parts: string[] = []
  const breakLine = (level: number): void => {
    if (indent !== undefined) parts.push(newline, indent.repeat(level))
  }
  const write = (node: JsonNode, level: number): void => {
    if (node.kind === 'scalar') {
      const first = node.text.charCodeAt(0)
      const isNumber = first === 0x2d || (first >= 0x30 && first <= 0x39)
      parts.push(first === 0x22 ? string(node.text) : isNumber ? number(node.text) : word(node.text))
      return
    }
    const [open, close] = node.kind === 'array' ? ['[', ']'] : ['{', '}']
    const count = node.kind === 'array' ? node.items.length : node.members.length
    parts.push(open)
    const before = (index: number): void => {
      if (index > 0) parts.push(comma)
      breakLine(level + 1)
    }
    if (node.kind === 'array')
      for (const [index, item] of node.items.entries()) {
        before(index)
        write(item, level + 1)
      }
    else
      for (const [index, [name, value]] of (sorted ? node.members.toSorted(byName) : node.members).entries()) {
        before(index)
        parts.push(string(name), colon)
        write(value, level + 1)
      }
    if (count > 0) breakLine(level)
    parts.push(close)
  }
  write(tree, 0)
  return parts.join('') + end
}

/** Members that can be put in every order with bounded work: 120 orders. */
const MOST_REORDERED = 5

/** The object with its own members in every other order, where they are few. */
export function* reordered(tree: JsonNode): Generator<JsonNode> {
  if (tree.kind !== 'object') return
  for (const members of orders(tree.members)) yield { kind: 'object', members }
}

/** Every order of them, where they are few; none where they are many. */
export function* orders<Value>(values: readonly Value[]): Generator<readonly Value[]> {
  if (values.length > MOST_REORDERED) return
  if (values.length <= 1) yield values
  for (const [at, first] of values.length <= 1 ? [] : values.entries())
    for (const rest of orders(values.toSpliced(at, 1))) yield [first, ...rest]
}

/** How many members there are where all objects have theirs in the order of their names; else 0. */
export function sortedMembers(tree: JsonNode): number {
  if (tree.kind === 'scalar') return 0
  let count = 0
  const walk = (node: JsonNode): boolean => {
    if (node.kind === 'scalar') return true
    if (node.kind === 'array') return node.items.every(walk)
    count += node.members.length
    return node.members.every(([name, value], at) => (node.members[at - 1]?.[0] ?? '') <= name && walk(value))
  }
  return walk(tree) ? count : 0
}

const same = (text: string): string => text
const byName = ([a]: readonly [string, JsonNode], [b]: readonly [string, JsonNode]): number => (a < b ? -1 : 1)
