import type { Headers } from '../core/headers.ts'
import type { Component, Derived } from './component.ts'
import {
  bytesText,
  type Dictionary,
  type FieldType,
  parseDictionary,
  parseItem,
  parseList,
  type Structured,
  serialiseDictionary,
  serialiseItem,
  serialiseList,
  serialiseMember,
} from './structured-fields.ts'

/** The parts of a request that can be covered. */
export interface CoverableRequest {
  readonly method: string
  /** The origin-form target as received. */
  readonly target: string
  readonly path: string
  readonly query: string
  /** The whole URL as the sender was given it. */
  readonly publicUrl: string
  readonly headers: Headers
}

export type FieldTypes = ReadonlyMap<string, FieldType>

/** Registered structured fields that a webhook may carry; `sf` needs to know what it reads (RFC 9421 section 2.1.1). */
export const FIELD_TYPES: FieldTypes = new Map([
  ['accept-signature', 'dictionary'],
  ['cache-status', 'list'],
  ['client-cert', 'item'],
  ['client-cert-chain', 'list'],
  ['content-digest', 'dictionary'],
  ['priority', 'dictionary'],
  ['proxy-status', 'list'],
  ['repr-digest', 'dictionary'],
  ['signature', 'dictionary'],
  ['signature-input', 'dictionary'],
  ['want-content-digest', 'dictionary'],
  ['want-repr-digest', 'dictionary'],
])

/** Why there is no signature base: the component, as covered, and what is wrong with it in this request. */
export interface BaseFault {
  readonly component: string
  readonly why: string
}

interface Failure {
  readonly why: string
}

/** Printable ASCII and tabs: no value can begin a line of its own, and none is read in two encodings. */
const PLAIN = /^[\t\x20-\x7e]*$/

/**
 * The signature base of RFC 9421 section 2.5.
 *
 * @param signatureParams the canonical text of the covered components and the signature's parameters.
 */
export function signatureBase(
  request: CoverableRequest,
  components: readonly Component[],
  signatureParams: string,
  types: FieldTypes = FIELD_TYPES,
): string | BaseFault {
  const values = new ComponentValues(request, types)
  let base = ''
  for (const component of components) {
    const value = values.of(component)
    if (typeof value !== 'string') return { component: component.text, why: value.why }
    if (!PLAIN.test(value)) return { component: component.text, why: 'its value is not printable ASCII' }
    base += `${component.text}: ${value}\n`
  }
  return `${base}"@signature-params": ${signatureParams}`
}

/** The components of one request. A dictionary or query is parsed once, however many of its members are covered. */
class ComponentValues {
  readonly #request: CoverableRequest
  readonly #types: FieldTypes
  readonly #dictionaries = new Map<string, Structured<Dictionary>>()
  #parameters: ReadonlyMap<string, string | Failure> | undefined

  constructor(request: CoverableRequest, types: FieldTypes) {
    this.#request = request
    this.#types = types
  }

  of({ name, derived, sf, bs, key, parameter }: Component): string | Failure {
    if (derived !== undefined) return this.#derived(derived, parameter ?? '')
    const values = this.#request.headers.all(name).map(unfolded)
    if (values.length === 0) return { why: 'the request has no such field' }
    if (bs) return values.map(value => bytesText(Buffer.from(value, 'latin1'))).join(', ')
    const joined = values.join(', ')
    if (key !== undefined) return this.#member(name, joined, key)
    return sf ? this.#strict(name, joined) : joined
  }

  #derived(name: Derived, parameter: string): string | Failure {
    const { method, target, path, query, publicUrl } = this.#request
    switch (name) {
      case '@method':
        return method
      case '@target-uri':
        return `${schemeOf(publicUrl)}://${authorityOf(publicUrl)}${target}`
      case '@authority':
        return authorityOf(publicUrl)
      case '@scheme':
        return schemeOf(publicUrl)
      case '@request-target':
        return target
      case '@path':
        return path === '' ? '/' : path
      case '@query':
        return `?${query}`
      case '@query-param':
        this.#parameters ??= queryParameters(query)
        return this.#parameters.get(parameter) ?? { why: 'the query has no such parameter' }
    }
  }

  #member(name: string, value: string, key: string): string | Failure {
    const type = this.#types.get(name)
    if (type !== undefined && type !== 'dictionary') return { why: 'the field is no dictionary' }
    const dictionary = this.#dictionaries.get(name) ?? parseDictionary(value)
    this.#dictionaries.set(name, dictionary)
    if (!dictionary.ok) return { why: `the field is no dictionary: ${dictionary.why}` }
    const member = dictionary.value.get(key)
    return member === undefined ? { why: 'the field has no such member' } : serialiseMember(member)
  }

  #strict(name: string, value: string): string | Failure {
    switch (this.#types.get(name)) {
      case 'dictionary':
        return written(parseDictionary(value), serialiseDictionary)
      case 'list':
        return written(parseList(value), serialiseList)
      case 'item':
        return written(parseItem(value), serialiseItem)
      default:
        return { why: 'nothing says what type of structured field it is' }
    }
  }
}

function written<Value>(parsed: Structured<Value>, serialise: (value: Value) => string): string | Failure {
  return parsed.ok ? serialise(parsed.value) : { why: `the field is not of its type: ${parsed.why}` }
}

/** A field's value without blanks around it or obsolete line folding in it (RFC 9421 section 2.1). */
function unfolded(value: string): string {
  if (!value.includes('\n')) return trimmed(value)
  return trimmed(value.split(/\r?\n/).map(trimmed).join(' '))
}

/** Without blanks and tabs around it: `trim` would take the byte a0 as well, which is part of a value. */
function trimmed(value: string): string {
  let from = 0
  let to = value.length
  while (from < to && isBlank(value.charCodeAt(from))) from++
  while (to > from && isBlank(value.charCodeAt(to - 1))) to--
  return value.slice(from, to)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09

const schemeOf = (url: string): string => url.slice(0, url.indexOf(':')).toLowerCase()

/** Lower case, without the scheme's own port (RFC 9110 section 4.2.3). */
function authorityOf(url: string): string {
  const scheme = schemeOf(url)
  const from = scheme.length + 3
  const end = url.slice(from).search(/[/?#]/)
  const authority = url.slice(from, end < 0 ? url.length : from + end).toLowerCase()
  return authority.replace(scheme === 'https' ? /:(?:443)?$/ : /:(?:80)?$/, '')
}

/** By encoded name, the encoded value of every parameter of the query, or why it can't be covered. */
function queryParameters(query: string): ReadonlyMap<string, string | Failure> {
  const found = new Map<string, string | Failure>()
  for (const [name, value] of new URLSearchParams(query)) {
    const encoded = encodeForm(name)
    if (found.has(encoded)) found.set(encoded, { why: 'the parameter comes twice' })
    // Every broken byte becomes this character, so that several queries would have one signature.
    else if (`${name}${value}`.includes('\ufffd')) found.set(encoded, { why: 'the parameter is not UTF-8' })
    else found.set(encoded, encodeForm(value))
  }
  return found
}

/** The percent-encoding of the URL standard for forms, with a blank as %20 (RFC 9421 section 2.2.8). */
function encodeForm(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()~]/g,
    character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}
