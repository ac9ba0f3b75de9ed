import { isFieldValue } from './field-value.ts'
import { RepeatedText } from './repeated-text.ts'

/** Fields of a head whose lines are kept, and characters of a value. */
const KEPT = 64
const SHORT = 128

/**
 * The lines of a head's fields. Most are, in their places, those of the head before: such a line is checked once, and
 * is one text, where a new one is four that are joined when it is written.
 */
export class FieldLines {
  readonly #names: string[] = []
  readonly #values: string[] = []
  readonly #lines: RepeatedText[] = []

  /**
   * @param index of the field in its head
   * @returns `name: value` with its line end; `undefined` where one of them holds a character that it may not hold
   */
  line(index: number, name: string, value: string): string | undefined {
    const lines = this.#lines[index]
    if (lines !== undefined && this.#values[index] === value && this.#names[index] === name) return lines.again()
    if (!isName(name) || !isFieldValue(value)) return undefined
    const line = `${name}: ${value}\r\n`
    if (index >= KEPT || value.length > SHORT) return line
    this.#names[index] = name
    this.#values[index] = value
    const text = lines ?? new RepeatedText()
    this.#lines[index] = text
    return text.renew(line)
  }
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// Names are the gate's own, the config's and the upstream's: few, but the last could be anything.
const NAMES_LIMIT = 1024
const names = new Set<string>()

function isName(name: string): boolean {
  if (names.has(name)) return true
  if (!NAME.test(name)) return false
  if (names.size < NAMES_LIMIT) names.add(name)
  return true
}
