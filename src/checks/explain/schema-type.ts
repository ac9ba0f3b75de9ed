/** What is said of a value that is of another type than the schema wants: types alone, never the value. */
export interface TypeMismatch {
  readonly because: string
  readonly mend: string
}

const UNKNOWN = 'let the sender write it as that type, or change the type in the schema'

/**
 * @param path as the evidence of the check names it
 * @param message of the validator: `must be string,null`
 * @param body `undefined` where it is not known
 */
export function typeMismatch(path: string, message: string, body: unknown): TypeMismatch {
  const wanted = /^must be (.*)$/.exec(message)?.[1]
  const value = valueAt(body, path)
  if (wanted === undefined || value === undefined)
    return { because: `${path} must be ${wanted ?? 'of another type'}`, mend: UNKNOWN }
  const types = wanted.split(',')
  return {
    because: `${path} is ${shown(value, types)}, and must be ${types.join(' or ')}`,
    mend: mendOf(typeOf(value), types),
  }
}

type JsonType = 'null' | 'array' | 'object' | 'string' | 'number' | 'boolean'

/** As JSON Schema names it. */
function typeOf(value: unknown): JsonType {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'number') return 'number'
  return typeof value === 'boolean' ? 'boolean' : 'object'
}

function shown(value: unknown, wanted: readonly string[]): string {
  const type = typeOf(value)
  if (type === 'null') return 'null'
  if (type === 'array' || type === 'object') return `an ${type}`
  if (type === 'number') return wanted.includes('integer') ? 'a number with decimals' : 'a number'
  const text = String(value)
  const isNumber = wanted.some(each => /^(number|integer)$/.test(each)) && text.trim() !== '' && !Number.isNaN(+text)
  if (type === 'string' && isNumber) return 'a string that holds a number'
  if (type === 'string' && wanted.includes('boolean') && /^(true|false)$/i.test(text))
    return 'a string that says true or false'
  return `a ${type}`
}

function mendOf(is: JsonType, wanted: readonly string[]): string {
  if (is === 'array' && wanted.includes('object'))
    return 'let the sender write one object in place of the array, or let the schema describe the array: type: array, and under items what stands there now'
  if (is === 'array' || is === 'object')
    return `let the sender write it as ${wanted.join(' or ')}, or let the schema describe the ${is}: type: ${is}`
  if (is === 'null') return `let the sender write a value there, or let the schema take null: ${both(wanted, is)}`
  // Every integer is a number.
  if (is === 'number' && wanted.includes('integer'))
    return `let the sender write it without decimals, or let the schema take them: ${both(
      wanted.filter(each => each !== 'integer'),
      is,
    )}`
  return `let the sender write it as ${wanted.join(' or ')}, or let the schema take both: ${both(wanted, is)}`
}

/** As YAML: null without quotation marks would be no text, and no schema. */
function both(wanted: readonly string[], is: JsonType): string {
  const types = [...wanted, is].map(each => (each === 'null' ? '"null"' : each))
  return types.length === 1 ? `type: ${types[0]}` : `type: [${types.join(', ')}]`
}

function valueAt(body: unknown, path: string): unknown {
  if (path === '$') return body
  let at: unknown = body
  for (const step of path.match(/[^.[\]]+/g) ?? []) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = Reflect.get(at, step)
  }
  return at
}
