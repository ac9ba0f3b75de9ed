import { type Item, parseItem, serialiseItem, serialiseParameters } from './structured-fields.ts'

/** The derived components that a request has, RFC 9421 section 2.2. */
const DERIVED = [
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
  '@query-param',
] as const
export type Derived = (typeof DERIVED)[number]

const FIELD_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/

/** One part of a request that a signature covers: a component identifier of RFC 9421 section 2, known to be in order. */
export interface Component {
  /** A field's name in lower case, or a derived component. */
  readonly name: string
  readonly derived: Derived | undefined
  /** As it stands in the signature base, e.g. `"@query-param";name="Pet"`. */
  readonly text: string
  /** The same for the same component, in whatever order its parameters are written. */
  readonly identity: string
  /** The strict form of a structured field. */
  readonly sf: boolean
  /** The values one by one, as bytes. */
  readonly bs: boolean
  /** The member of a dictionary. */
  readonly key: string | undefined
  /** The query parameter, percent-encoded. */
  readonly parameter: string | undefined
}

export interface ComponentFault {
  readonly why: string
}

/** A component identifier, or why it is none that a request can have. */
export function componentOf(item: Item): Component | ComponentFault {
  const { bare, parameters } = item
  const text = serialiseItem(item)
  if (bare.kind !== 'string' || typeof bare.value !== 'string')
    return { why: `${text} is no component: it has no quotes` }
  const name = bare.value
  const derived = DERIVED.find(each => each === name)
  if (name.startsWith('@') ? derived === undefined : !FIELD_NAME.test(name)) return { why: whyNoName(name, text) }
  let sf = false
  let bs = false
  let key: string | undefined
  let parameter: string | undefined
  for (const [mark, { kind, value }] of parameters) {
    if (mark === 'req' || mark === 'tr')
      return {
        why: `${text} is taken from ${mark === 'tr' ? 'a trailer' : 'an earlier request'}, which no request has`,
      }
    if (derived === undefined && mark === 'sf' && value === true) sf = true
    else if (derived === undefined && mark === 'bs' && value === true) bs = true
    else if (derived === undefined && mark === 'key' && kind === 'string') key = String(value)
    else if (derived === '@query-param' && mark === 'name' && kind === 'string') parameter = String(value)
    else return { why: `${text}: the parameter "${mark}" has no meaning here` }
  }
  if (bs && (sf || key !== undefined)) return { why: `${text}: "bs" excludes "sf" and "key"` }
  if (derived === '@query-param' && parameter === undefined) return { why: `${text}: the parameter "name" is missing` }
  const sorted = new Map([...parameters].sort(([a], [b]) => (a < b ? -1 : 1)))
  return { name, derived, text, identity: bare.text + serialiseParameters(sorted), sf, bs, key, parameter }
}

/** What the config calls it: `content-digest`, `@query-param;name="Pet"`; with the quotes of the RFC or without. */
export function parseComponent(written: string): Component | ComponentFault {
  const end = written.indexOf(';')
  const name = end < 0 ? written : written.slice(0, end)
  const parsed = parseItem(written.startsWith('"') ? written : `"${name}"${written.slice(name.length)}`)
  return parsed.ok ? componentOf(parsed.value) : { why: parsed.why }
}

/**
 * Whether what covers `covered` covers `required` too: the same component, or the whole of the same field in another
 * form. A part of a field (`key`) stands for that part alone.
 */
export function covers(covered: Component, required: Component): boolean {
  if (covered.identity === required.identity) return true
  const wholeField = covered.derived === undefined && covered.key === undefined && required.key === undefined
  return wholeField && covered.name === required.name && !required.sf && !required.bs
}

function whyNoName(name: string, text: string): string {
  if (name === '@signature-params') return '"@signature-params" is always signed and never listed'
  if (name === '@status') return '"@status" belongs to answers, not to requests'
  if (name.startsWith('@')) return `${text} is no component of a request`
  return name === name.toLowerCase() ? `${text} is no field name` : `${text} is not in lower case`
}
