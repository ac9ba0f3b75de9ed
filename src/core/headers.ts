import { copied } from './copied.ts'

// Senders write a few names in a few ways; a stranger can't grow the table past its limit, nor fill it with long ones.
const LIMIT = 1024
const LONGEST = 64
const known = new Map<string, { readonly name: string; readonly lower: string }>()

function find(name: string): { readonly name: string; readonly lower: string } | undefined {
  const found = known.get(name)
  if (found !== undefined || known.size === LIMIT || name.length > LONGEST) return found
  const own = copied(name)
  const entry = { name: own, lower: own.toLowerCase() }
  known.set(own, entry)
  return entry
}

/** A field's name in lower case: the same string for the same name, so that most comparisons are of two pointers. */
export function lowerName(name: string): string {
  return find(name)?.lower ?? name.toLowerCase()
}

/** The same string for the same name, in memory of its own; `undefined` where there is none. */
export function knownName(name: string): string | undefined {
  return find(name)?.name
}

/** The names of the head before, which most heads have too, as they came and in lower case. */
let before: readonly string[] = []
let beforeLower: readonly string[] = []

function lowerNames(raw: readonly string[]): readonly string[] {
  const size = raw.length >> 1
  let same = size === before.length
  for (let i = 0; same && i < size; i++) same = raw[i * 2] === before[i]
  if (same) return beforeLower
  const names: string[] = new Array(size)
  const lower: string[] = new Array(size)
  for (let i = 0; i < size; i++) {
    const name = raw[i * 2] ?? ''
    const found = find(name)
    names[i] = found?.name ?? name
    lower[i] = found?.lower ?? name.toLowerCase()
  }
  before = names
  beforeLower = lower
  return lower
}

/**
 * A request's header fields as they came, searched without building an object per request.
 * Names are compared in lower case; a field that came more than once is never joined or picked from silently.
 */
export class Headers {
  /** In the order received, in lower case; most often the same list for heads of the same names. */
  readonly names: readonly string[]
  readonly #raw: readonly string[]

  /** @param raw name, value, name, value, ... as Node's `rawHeaders`. */
  constructor(raw: readonly string[]) {
    this.names = lowerNames(raw)
    this.#raw = raw
  }

  get size(): number {
    return this.names.length
  }

  nameAt(index: number): string {
    return this.names[index] ?? ''
  }

  valueAt(index: number): string {
    return this.#raw[index * 2 + 1] ?? ''
  }

  /** The value of `name` (lower case); `undefined` where absent, `null` where it came more than once. */
  one(name: string): string | null | undefined {
    let found = -1
    for (let at = 0; at < this.names.length; at++) {
      const other = this.names[at]
      // Most names differ in length already.
      if (other === undefined || other.length !== name.length || other !== name) continue
      if (found >= 0) return null
      found = at
    }
    return found < 0 ? undefined : this.valueAt(found)
  }

  /** Every value of `name` (lower case), in the order received. */
  all(name: string): string[] {
    const values: string[] = []
    for (let at = this.names.indexOf(name); at >= 0; at = this.names.indexOf(name, at + 1))
      values.push(this.valueAt(at))
    return values
  }

  has(name: string): boolean {
    return this.one(name) !== undefined
  }
}
