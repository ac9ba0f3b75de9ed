import { indexOfSensitiveName } from './sensitive-name.ts'

// A comment whose first character follows at once may be a value that begins with "#".
const REFERENCES =
  /^[\s[\]{},-]*((name|env|file|expires|password)[ \t]*:[ \t]*(?!-----)[\w./-]*[\s[\]{},]*)*(#(?![^\s#]).*)?$/
/** Keys of credentials, whose names say less than those that `isSensitiveName` knows. */
const OTHER_NAMES = /(?<![\w-])(?:keys|users|sign|passphrase)["']?[ \t]*:/

/**
 * Stars out what follows `token:`, on its line and on those that are indented below it, unless it is short and made of
 * references alone. For a text that is no YAML: names and blanks alone tell.
 */
export function maskLines(text: string): string {
  let indent: number | undefined
  const out: string[] = []
  for (const line of text.split('\n')) {
    const blanks = line.search(/[^ ]/)
    if (indent !== undefined && blanks >= 0 && !isBelow(line, blanks, indent)) indent = undefined
    if (indent !== undefined) {
      out.push(maskAfter(line, line.search(/[^ -]|$/)))
      continue
    }
    const value = valueOfSecret(line)
    if (value !== undefined && goesOn(line.slice(value))) indent = line.search(/[^ -]/)
    out.push(value === undefined ? line : maskAfter(line, value))
  }
  return out.join('\n')
}

/** Whether a line belongs to a key; the entries of a list may stand right below it. */
const isBelow = (line: string, blanks: number, indent: number): boolean =>
  blanks > indent || (blanks === indent && /^ *-( |\r?$)/.test(line))

/** Where the value begins of a name that tells of a secret. */
function valueOfSecret(line: string): number | undefined {
  const word = indexOfSensitiveName(line)
  const other = OTHER_NAMES.exec(line)
  const colons = [word < 0 ? -1 : line.indexOf(':', word), other ? other.index + other[0].length - 1 : -1]
  const found = colons.filter(colon => colon >= 0)
  return found.length === 0 ? undefined : Math.min(...found) + 1
}

/** Whether a value has not ended with its line. */
function goesOn(value: string): boolean {
  const count = (brackets: RegExp) => value.match(brackets)?.length ?? 0
  return /^\s*([#|>&!].*)?$/.test(value) || count(/[[{]/g) > count(/[\]}]/g)
}

function maskAfter(line: string, from: number): string {
  const after = line.slice(from)
  if (after.length <= 200 && REFERENCES.test(after)) return line
  return line.slice(0, from) + after.replace(/[^\r]/g, '*').replace(/^\*(?=.)/, line[from - 1] === ':' ? ' ' : '*')
}
