/** One step of a path: a member, an element, or every one of them. */
type Step = string | number | typeof EACH

const EACH = Symbol('each')

/** A parsed selector: what it finds in a JSON value. */
export interface JsonSelect {
  /** As written. */
  readonly text: string
  /** Every value that it finds, in order; what lacks a member is passed over. */
  find(value: unknown): unknown[]
  /** Whether it finds what stands at a path of names and places. */
  covers(path: readonly (string | number)[]): boolean
}

const LONGEST = 256
const STEP =
  /(?:\.(?<name>[A-Za-z_][A-Za-z0-9_-]*)|(?<each>\.\*|\[\*\])|\[(?<index>0|[1-9]\d{0,8})\]|\['(?<quoted>[^'\\]*)'\])/y

/**
 * Reads a part of JSONPath (RFC 9535): `$` and then any of `.name`, `['name']`, `[0]`, `[*]` and `.*`; no filters, no
 * slices, no descendants. `undefined` for anything else.
 */
export function parseSelect(text: string): JsonSelect | undefined {
  if (!text.startsWith('$') || text.length > LONGEST) return undefined
  const steps: Step[] = []
  STEP.lastIndex = 1
  while (STEP.lastIndex < text.length) {
    const groups = STEP.exec(text)?.groups
    if (groups === undefined) return undefined
    const { name, each, index, quoted } = groups
    steps.push(each === undefined ? (name ?? quoted ?? Number(index)) : EACH)
  }
  return {
    text,
    covers: path =>
      path.length === steps.length && steps.every((step, at) => step === EACH || String(step) === String(path[at])),
    find: value => steps.reduce<unknown[]>((found, step) => found.flatMap(one => take(one, step)), [value]),
  }
}

function take(value: unknown, step: Step): unknown[] {
  if (typeof value !== 'object' || value === null) return []
  if (step === EACH) return Object.values(value)
  if (typeof step === 'number') return Array.isArray(value) && step < value.length ? [value[step]] : []
  if (Array.isArray(value) || !Object.hasOwn(value, step)) return []
  return [(value as Readonly<Record<string, unknown>>)[step]]
}
