import type { $ZodType } from 'zod/v4/core'
import { isCredentialName } from '../core/credential-name.ts'
import { maskLines } from './mask-lines.ts'
import { eachPlace, type Place } from './place.ts'
import { hidesKey, hidesMark, hidesText, type Standing, standingAtRoot, standingBelow } from './secret-places.ts'
import { isSensitiveName } from './sensitive-name.ts'
import type { Source } from './source.ts'
import { hasSecretPrefix, isVariableName, looksLikeSecret } from './variable-name.ts'
import { written } from './words.ts'

// Of a URL: user and password, which may hold a slash where no port is meant; and what a query says.
const USERINFO = /(:\/\/)([^\s/@"']+|[^\s/@"':]*:(?!\d*[/?#])[^\s@"']*)@/g
const QUERY = /([?&;])([^\s?&;=#"']+)=([^\s?&;#"',\]}]+)/g
// Names that hold no value: what they say is where the value is, or how it is checked.
const HARMLESS: ReadonlySet<string> = new Set([
  'env',
  'file',
  'name',
  'header',
  'id',
  'url',
  'token-url',
  'tokens-file',
])

export interface Masked {
  readonly text: string
  /** A sentence without the literals: it may quote what was written. */
  hide(text: string): string
}

type Range = readonly [start: number, end: number]

/** One place of the file, as its secrets are looked for. */
interface Spotted {
  readonly standing: Standing
  /** The nearest key. */
  readonly name: string
  /** Whether its own key may be a secret: always, or where no value stands behind it. */
  readonly hidesKey: boolean
  readonly hidesBareKey: boolean
  /** Whether it stands in a JSON Schema, whose names are those of a sender's fields. */
  readonly inline: boolean
}

/**
 * The text with every literal secret starred out, unit for unit, so that positions stay: a secret that was written into
 * the config by mistake is not printed with the line that is at fault. What stands where the shape takes secrets, or a
 * block or list of them, and is none of the words that belong there, is taken for one.
 */
export function maskText(text: string, source: Source, shape: $ZodType): Masked {
  const found = new Finds(text)
  eachPlace<Spotted>(
    source.root,
    { standing: standingAtRoot(shape), name: '', hidesKey: false, hidesBareKey: false, inline: false },
    {
      enter: (parent, step) => ({
        standing: standingBelow(parent.standing, step, shape),
        name: typeof step === 'string' ? step : parent.name,
        hidesKey: typeof step === 'string' && hidesKey(parent.standing, step, false, shape),
        hidesBareKey: typeof step === 'string' && hidesKey(parent.standing, step, true, shape),
        inline: parent.inline || step === 'inline',
      }),
      visit(place, spotted, step) {
        const isBare = place.value === null && !place.children
        const hides = isBare ? spotted.hidesBareKey : spotted.hidesKey
        if (hides && typeof step === 'string' && place.key) found.add(place.key, step)
        lookAtValue(place, spotted, found)
      },
    },
  )
  const out = maskUrls(starred(text, found.ranges), stars)
  // Where the YAML can't be read, what was understood of it may be wrong: names alone tell, line by line.
  const shown = source.value === undefined ? maskLines(out) : out
  return { text: shown, hide: said => hide(said, found.literals) }
}

function lookAtValue(place: Place, spotted: Spotted, found: Finds): void {
  const { value, range } = place
  const { standing } = spotted
  if (!place.children) {
    for (const mark of place.marks ?? []) if (hidesMark(standing)) found.addMark(mark)
    if ((typeof value === 'string' || typeof value === 'number') && isHidden(String(value), spotted))
      found.add(range, String(value))
  }
  if (hidesMark(standing) && !place.children?.size) found.addUnread(place)
}

function isHidden(text: string, { standing, name, inline }: Spotted): boolean {
  if (hidesText(standing, text)) return true
  if (name === 'env') return !isVariableName(text) || looksLikeSecret(text)
  if (name === 'file') return hasSecretPrefix(text)
  return !HARMLESS.has(name) && isSensitiveName(name) && !inline
}

/** How `written` ends what it quotes in part. */
const CUT = '..."'

/** What is to be hidden: where it stands, and how sentences may quote it. */
class Finds {
  readonly ranges: Range[] = []
  readonly literals = new Set<string>()
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  add(range: Range, value: string): void {
    this.ranges.push(range)
    this.literals.add(value)
    const source = this.#text.slice(...range)
    if (!/^["']/.test(source)) this.literals.add(source)
    const quoted = written(value)
    if (quoted.endsWith(CUT)) this.literals.add(quoted.slice(1, -CUT.length))
  }

  /** Tags of YAML itself are no secrets. */
  addMark(range: Range): void {
    const mark = this.#text.slice(...range)
    if (/^!!(?:str|int|float|bool|null|map|seq)$/.test(mark)) return
    this.ranges.push(range)
    this.literals.add(mark)
  }

  /** To YAML, a secret that begins with "#" is a comment, and one with "|" or ">" the head of a block. */
  addUnread({ key, range, value, children }: Place): void {
    if (!children) this.#addMatch(BLOCK_HEAD, range[0])
    if (value !== null && !children) return
    this.#addMatch(COMMENT, range[0])
    if (key) this.#addMatch(COMMENT, key[1])
  }

  #addMatch(pattern: RegExp, from: number): void {
    pattern.lastIndex = from
    const [whole, before = ''] = pattern.exec(this.#text) ?? []
    if (whole !== undefined) this.ranges.push([from + before.length, from + whole.length])
  }
}

const COMMENT = /([ \t]*:?[ \t]*[[{-]?[ \t]*)#[^\s#][^\n]*/y
const BLOCK_HEAD = /()[|>][^\n]*/y

function starred(text: string, ranges: readonly Range[]): string {
  const pieces: string[] = []
  let at = 0
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    if (end <= at) continue
    pieces.push(text.slice(at, Math.max(at, start)), stars(text.slice(Math.max(at, start), end)))
    at = end
  }
  return pieces.join('') + text.slice(at)
}

/**
 * A short literal is part of many words, so that it is replaced only where it stands as a value, and a number as ports
 * have only where it is none.
 */
function hide(text: string, literals: ReadonlySet<string>): string {
  let out = text
  // The longest first: another may be a part of it.
  for (const literal of [...literals].sort((a, b) => b.length - a.length))
    for (const form of [literal, JSON.stringify(literal).slice(1, -1)]) {
      if (/^\d{4,5}$/.test(form)) out = out.replace(new RegExp(`(?<![\\w.:])${form}(?![\\w.])`, 'g'), '***')
      else out = isLong(literal) ? out.replaceAll(form, '***') : out.replaceAll(`"${form}"`, '"***"')
    }
  return maskUrls(out, () => '***')
}

/** Without what URLs hold of credentials. @param star what stands in place of one */
function maskUrls(text: string, star: (credential: string) => string): string {
  return text
    .replace(USERINFO, (_, before: string, user: string) => `${before}${star(user)}@`)
    .replace(QUERY, (field, mark: string, name: string, value: string) =>
      isCredentialName(name) ? `${mark}${name}=${star(value)}` : field,
    )
}

const isLong = (literal: string): boolean => literal.length > 3 || /^[*&!]./.test(literal)

const stars = (text: string): string => text.replace(/[^\r\n]/g, '*')
