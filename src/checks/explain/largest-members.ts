/** A member of a JSON text, and how many bytes its value has there. */
export interface Sized {
  /** `attachments[0].content` */
  readonly path: string
  readonly bytes: number
}

const MOST_DEPTH = 64
const MOST_STRINGS = 100_000
const LONGEST_PATH = 200

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** An object or array that is open, and where in it the next value stands. */
interface Open {
  readonly isObject: boolean
  /** Of an object, the name of the member. */
  name: string
  /** Of an array. */
  index: number
  /** Of an object: a name comes next. */
  awaitsName: boolean
}

/**
 * The largest strings of a JSON text, which may break off anywhere: of a value that does, what is there. The text is only
 * measured, not checked. The largest first.
 */
export function largestStrings(json: Buffer, most: number): readonly Sized[] {
  const largest: Sized[] = []
  const open: Open[] = []
  let seen = 0
  for (let at = 0; at < json.length && seen < MOST_STRINGS; at++) {
    const inside = open.at(-1)
    switch (json[at]) {
      case QUOTE: {
        const end = endOfString(json, at)
        if (inside?.isObject && inside.awaitsName) {
          inside.name = json.toString('utf8', at + 1, Math.min(end, at + 1 + LONGEST_PATH))
          inside.awaitsName = false
        } else {
          seen++
          keep(largest, open, Math.min(end + 1, json.length) - at, most)
        }
        at = end
        break
      }
      case 0x7b: // {
      case 0x5b: // [
        if (open.length >= MOST_DEPTH) return largest
        open.push({ isObject: json[at] === 0x7b, name: '', index: 0, awaitsName: true })
        break
      case 0x7d: // }
      case 0x5d: // ]
        open.pop()
        break
      case 0x2c: // ,
        if (inside?.isObject) inside.awaitsName = true
        else if (inside) inside.index++
    }
  }
  return largest
}

function endOfString(json: Buffer, from: number): number {
  let at = from + 1
  for (;;) {
    const quote = json.indexOf(QUOTE, at)
    if (quote < 0) return json.length
    let slashes = 0
    while (json[quote - 1 - slashes] === BACKSLASH) slashes++
    if (slashes % 2 === 0) return quote
    at = quote + 1
  }
}

function keep(largest: Sized[], open: readonly Open[], bytes: number, most: number): void {
  const at = largest.findIndex(one => one.bytes < bytes)
  if (at < 0 && largest.length >= most) return
  largest.splice(at < 0 ? largest.length : at, 0, { path: pathOf(open), bytes })
  largest.length = Math.min(largest.length, most)
}

function pathOf(open: readonly Open[]): string {
  let path = ''
  for (const { isObject, name, index } of open) path += isObject ? `${path === '' ? '' : '.'}${name}` : `[${index}]`
  return path.slice(0, LONGEST_PATH)
}
