import {
  EVENT_DOCUMENT,
  EVENT_MAPPING,
  EVENT_POP,
  EVENT_SCALAR,
  EVENT_SEQUENCE,
  type Event,
  getScalarValue,
  parseEvents,
  SCALAR_STYLE_DOUBLE_QUOTED,
  SCALAR_STYLE_PLAIN,
  SCALAR_STYLE_SINGLE_QUOTED,
  type ScalarEvent,
  YAMLException,
} from 'js-yaml'
import type { Place } from './place.ts'
import { DEEPEST } from './syntax.ts'

/**
 * Reads the YAML that configs are usually written in (ASCII, plain keys, scalars of one line), with the library that is
 * loaded and done in a quarter of the time. Of anything else, and of whatever is at fault, it says `undefined`: then the
 * library that tells what is wrong reads it (full-yaml.ts). What both make of the same text is compared in
 * test/config/quick-yaml.test.ts.
 */
export function readQuickly(text: string): Place | undefined {
  if (!USUAL_TEXT.test(text) || DOCUMENT_MARK.test(text)) return undefined
  try {
    return new Builder(text).root()
  } catch (error) {
    if (error instanceof Unusual || error instanceof YAMLException) return undefined
    throw error
  }
}

class Unusual extends Error {}

const USUAL_TEXT = /^[\n -~]*$/
/** One before the first document leaves no trace in its events, and the other library takes what follows for a second. */
const DOCUMENT_MARK = /^(?:---|\.\.\.)(?:[ \n]|$)/m
/** A key is a text, and nothing else that YAML knows. */
const KEY = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/
const OTHER_WORDS = /^(?:null|true|false)$/i
const BOOLEANS: ReadonlyMap<string, boolean> = new Map(
  ['true', 'True', 'TRUE', 'false', 'False', 'FALSE'].map(word => [word, /^t/i.test(word)]),
)
const INTEGER = /^(?:0|[1-9][0-9]{0,14})$/
/** Texts that YAML's core schema takes for a number or for nothing, beside integers as they are usually written. */
const OTHER_VALUES = /^(?:[-+]?\.?[0-9][0-9.eE+-]*|0[ox][0-9A-Fa-f]+|[-+]?\.(?:inf|nan)|null|~|)$/i

/** Makes places of a document's events, which tell where everything stands. */
class Builder {
  readonly #text: string
  readonly #events: readonly Event[]
  #next = 0

  /** @throws YAMLException */
  constructor(text: string) {
    this.#text = text
    this.#events = parseEvents(text, {})
  }

  root(): Place {
    const [document, root] = this.#events
    if (document?.type !== EVENT_DOCUMENT || root?.type !== EVENT_MAPPING) throw new Unusual()
    if (document.explicitStart || document.explicitEnd || document.directives.length > 0) throw new Unusual()
    this.#next = 1
    const place = this.#value(0)
    if (this.#take().type !== EVENT_POP || this.#next < this.#events.length) throw new Unusual()
    return place
  }

  #take(): Event {
    const event = this.#events[this.#next++]
    if (event === undefined) throw new Unusual()
    return event
  }

  #closes(): boolean {
    if (this.#events[this.#next]?.type !== EVENT_POP) return false
    this.#next++
    return true
  }

  #value(depth: number): Place {
    if (depth > DEEPEST) throw new Unusual()
    const event = this.#take()
    if (event.type === EVENT_SCALAR) return this.#scalar(event)
    if (event.type !== EVENT_MAPPING && event.type !== EVENT_SEQUENCE) throw new Unusual()
    if (event.anchorStart >= 0 || event.tagStart >= 0) throw new Unusual()
    return event.type === EVENT_MAPPING ? this.#map(event.start, depth) : this.#list(event.start, depth)
  }

  #map(start: number, depth: number): Place {
    const children = new Map<string, Place>()
    const value: Record<string, unknown> = {}
    let end = start
    while (!this.#closes()) {
      const event = this.#take()
      if (event.type !== EVENT_SCALAR) throw new Unusual()
      const { value: name, range: key } = this.#scalar(event)
      if (typeof name !== 'string' || !KEY.test(name) || OTHER_WORDS.test(name) || children.has(name))
        throw new Unusual()
      const child: Place = { ...this.#value(depth + 1), key }
      children.set(name, child)
      value[name] = child.value
      end = child.range[1]
    }
    return { value, range: [start, children.size === 0 ? this.#emptyEnd(start) : end], children, shadowed: [] }
  }

  #list(start: number, depth: number): Place {
    const children = new Map<number, Place>()
    let end = start
    while (!this.#closes()) {
      const child = this.#value(depth + 1)
      children.set(children.size, child)
      end = child.range[1]
    }
    const range = [start, children.size === 0 ? this.#emptyEnd(start) : end] as const
    return { value: [...children.values()].map(child => child.value), range, children }
  }

  /** An empty collection is a pair of brackets, with blanks in between. */
  #emptyEnd(start: number): number {
    EMPTY.lastIndex = start
    if (!EMPTY.test(this.#text)) throw new Unusual()
    return EMPTY.lastIndex
  }

  #scalar(event: ScalarEvent): Place {
    const { valueStart, valueEnd, style } = event
    if (event.anchorStart >= 0 || event.tagStart >= 0 || valueStart < 0) throw new Unusual()
    const written = this.#text.slice(valueStart, valueEnd)
    if (written.includes('\n')) throw new Unusual()
    if (style === SCALAR_STYLE_DOUBLE_QUOTED || style === SCALAR_STYLE_SINGLE_QUOTED) {
      const value = getScalarValue(this.#text, event)
      return { value, range: [valueStart - 1, valueEnd + 1], lead: value === written ? 1 : undefined }
    }
    if (style !== SCALAR_STYLE_PLAIN) throw new Unusual()
    const range = [valueStart, valueEnd] as const
    const truth = BOOLEANS.get(written)
    if (truth !== undefined) return { value: truth, range, lead: undefined }
    if (INTEGER.test(written)) return { value: Number(written), range, lead: undefined }
    if (OTHER_VALUES.test(written)) throw new Unusual()
    return { value: written, range, lead: 0 }
  }
}

const EMPTY = /\[ *\]|\{ *\}/y
