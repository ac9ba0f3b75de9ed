import { copied } from './copied.ts'
import { isFieldValue } from './field-value.ts'

/** Fields of a head whose lines are kept, and characters of a value. */
const KEPT = 64
const SHORT = 128
/** Times that a line comes again before it is made one text, which costs as much as checking and joining several. */
const OFTEN = 16

/**
 * The lines of a head's fields. Most are, in their places, those of the head before: such a line is checked once, and
 * is one text, where a new one is four that are joined when it is written.
 */
export class FieldLines {
  readonly #names: string[] = []
  readonly #values: string[] = []
  readonly #lines: string[] = []
  /** How often the line has come again, up to `OFTEN`: then it is one text. */
  readonly #times: number[] = []

  /**
   * @param index of the field in its head
   * @returns `name: value` with its line end; `undefined` where one of them holds a character that it may not hold
   */
  line(index: number, name: string, value: string): string | undefined {
    if (this.#values[index] === value && this.#names[index] === name) return this.#again(index)
    if (!isName(name) || !isFieldValue(value)) return undefined
    const line = `${name}: ${value}\r\n`
    if (index < KEPT && value.length <= SHORT) {
      this.#names[index] = name
      this.#values[index] = value
      this.#lines[index] = line
      this.#times[index] = 0
    }
    return line
  }

  #again(index: number): string {
    const line = this.#lines[index] ?? ''
    const times = this.#times[index] ?? OFTEN
    if (times === OFTEN) return line
    this.#times[index] = times + 1
    if (times + 1 < OFTEN) return line
    const whole = copied(line)
    this.#lines[index] = whole
    return whole
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
