import { isFieldValue } from './field-value.ts'
import { RepeatedText } from './repeated-text.ts'

/** Fields of a head whose lines are kept, and characters of a value. */
const KEPT = 64
const SHORT = 128
/** Such a place is taken to hold another value each time, which is not held against the last, but for one time in so many. */
const VARIES = 16
const LOOK_AGAIN = 1024

/**
 * The lines of a head's fields. Most are, in their places, those of the head before: such a line is checked once, and
 * is one text, where a new one is four that are joined when it is written.
 */
export class FieldLines {
  readonly #names: string[] = []
  readonly #values: string[] = []
  readonly #lines: RepeatedText[] = []
  /** How often in a row a place had another value than before. */
  readonly #changes: number[] = []
  /** The lines of the head before, and as one text. */
  readonly #before: string[] = []
  readonly #text = new RepeatedText()

  /**
   * All lines of a head, as they are written.
   *
   * @param fields name, value, name, value, ...
   * @throws where a field can't be written: a line break in one would begin another field, or message
   */
  all(fields: readonly string[]): string {
    const before = this.#before
    const size = fields.length >> 1
    let same = size === before.length
    for (let i = 0; i < size; i++) {
      const line = this.line(i, fields[i * 2] ?? '', fields[i * 2 + 1] ?? '')
      if (line === undefined) {
        before.length = 0
        throw new Error(`the field ${fields[i * 2]} holds a character that no field may hold`)
      }
      same &&= line === before[i]
      before[i] = line
    }
    if (same) return this.#text.again()
    before.length = size
    let text = ''
    for (const line of before) text += line
    return this.#text.renew(text)
  }

  /**
   * @param index of the field in its head
   * @returns `name: value` with its line end; `undefined` where one of them holds a character that it may not hold
   */
  line(index: number, name: string, value: string): string | undefined {
    const lines = this.#lines[index]
    const changes = this.#changes[index] ?? 0
    const varies = changes > VARIES && this.#names[index] === name
    if (lines !== undefined && !varies && this.#values[index] === value && this.#names[index] === name) {
      this.#changes[index] = 0
      return lines.again()
    }
    if (!isName(name) || !isFieldValue(value)) return undefined
    const line = `${name}: ${value}\r\n`
    if (index >= KEPT || value.length > SHORT) return line
    this.#changes[index] = changes < LOOK_AGAIN ? changes + 1 : 0
    if (varies) return line
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
