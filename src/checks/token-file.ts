import { copied } from '../core/copied.ts'
import { expiry } from '../core/secret.ts'
import type { KnownToken } from './token-table.ts'

/** A line of a tokens file. */
export interface TokenLine extends KnownToken {
  /** SHA-256 of the token's text. */
  readonly digest: Buffer
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/i
const HEX = /^[0-9a-fA-F]{64}$/
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** How many tokens a file's text may hold at the most. */
export function lineCount(text: string): number {
  let count = 1
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}

/**
 * Reads a tokens file: a line each of `name sha256-hex [expires|-] [scope,scope]`, with single spaces or tabs between;
 * empty lines and those that begin with `#` are skipped.
 *
 * @throws Error that names the line and what is wrong with it.
 */
export function* readTokenFile(text: string): Generator<TokenLine, void> {
  // The same dates and scopes come again and again: they are read once, and shared.
  const dates = new Map<string, number | undefined>([['-', undefined]])
  const scopeLists = new Map<string, readonly string[]>()
  let number = 0
  for (let at = 0; at < text.length; number++) {
    const end = text.indexOf('\n', at)
    const line = text.slice(at, end < 0 ? text.length : end).trim()
    at = end < 0 ? text.length : end + 1
    if (line === '' || line.startsWith('#')) continue
    const [name = '', digest = '', expires = '-', scopes = '', ...rest] = line.split(/[ \t]+/)
    const wrong = (what: string) => new Error(`line ${number + 1}: ${what}`)
    if (rest.length > 0) throw wrong('more than a name, a digest, an expiry and scopes')
    if (!NAME.test(name)) throw wrong('the name is not letters, digits, "-", "_" and "."')
    if (!HEX.test(digest)) throw wrong(`the digest of ${name} is not 64 hex digits`)
    if (!dates.has(expires)) {
      const date = expiry.safeParse(expires)
      if (!date.success) throw wrong(`the expiry of ${name} is neither a date such as 2027-06-30 nor "-"`)
      dates.set(expires, date.data)
    }
    let list = scopeLists.get(scopes)
    if (!list) {
      list = scopes === '' ? [] : scopes.split(',')
      if (!list.every(scope => SCOPE.test(scope))) throw wrong(`the scopes of ${name} are not names joined by ","`)
      // A slice of the file's text would keep all of it in memory.
      list = list.map(copied)
      scopeLists.set(scopes, list)
    }
    yield { name, digest: Buffer.from(digest, 'hex'), expires: dates.get(expires), scopes: list }
  }
}
