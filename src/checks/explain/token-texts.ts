import { Headers } from '../../core/headers.ts'
import type { BodyRequest } from '../../core/request.ts'
import { varied } from '../../signing/near-miss/varied.ts'

/** A token as it may have been meant, and how it differs from what was sent. */
export interface TokenText {
  readonly token: string
  /** `undefined` where it stands as it should. */
  readonly differs: { readonly cause: string; readonly because: string; readonly mend: string } | undefined
}

/** Causes of a token that stands in its place, and not behind "Bearer" and a blank. */
export const OF_SCHEME: ReadonlySet<string> = new Set(['other-scheme', 'other-blank', 'no-scheme'])

const MOST = 400
const LONGEST = 16_384
const MOST_COOKIES = 20
/** Fields that hold no credential. */
const OTHERS =
  /^(host|accept.*|user-agent|content-.*|connection|cookie|date|via|x-forwarded-(for|host|proto|port|server|prefix|by|ssl|scheme)|forwarded|traceparent)$/

/** Every text of the request that may be the token, the likeliest first; first of all the one in its place. */
export function* tokenTexts(request: BodyRequest, header: string, query?: string): Generator<TokenText> {
  const seen = new Set<string>()
  for (const text of candidates(request, header, query)) {
    if (text.token === '' || seen.has(text.token) || text.token.length > LONGEST) continue
    seen.add(text.token)
    if (seen.size > MOST) return
    yield text
  }
}

/** The request with that token where the check looks for it, and nowhere else. */
export function withToken(request: BodyRequest, header: string, token: string): BodyRequest {
  const fields: string[] = []
  for (let at = 0; at < request.headers.size; at++)
    if (request.headers.nameAt(at) !== header) fields.push(request.headers.nameAt(at), request.headers.valueAt(at))
  fields.push(header, header === 'authorization' ? `Bearer ${token}` : token)
  return varied(request, { headers: new Headers(fields), query: '' })
}

function* candidates(request: BodyRequest, header: string, query: string | undefined): Generator<TokenText> {
  const { headers } = request
  const values = headers.all(header)
  const place = header === 'authorization' ? 'Authorization' : header
  for (const value of values) yield* inPlace(value, header, values.length)
  const shown = header === 'authorization' ? 'Authorization: Bearer' : header
  for (let at = 0; at < headers.size; at++) {
    const name = headers.nameAt(at)
    if (name === header || OTHERS.test(name)) continue
    for (const token of readings(headers.valueAt(at)))
      yield {
        token,
        differs: {
          cause: 'other-header',
          because: `the token stands in the header ${name}, and the route looks for it in ${shown}`,
          mend:
            name === 'authorization'
              ? 'let the sender use that header, or use bearer, which reads Authorization'
              : `let the sender write it into ${place}; or, for a header of its own, use api-key: { header: ${name} }`,
        },
      }
  }
  for (const [name, value] of cookiesOf(headers.all('cookie')))
    yield {
      token: value,
      differs: {
        cause: 'cookie',
        because: `the token stands in the cookie ${name.slice(0, 64)}, and the route looks for it in ${shown}`,
        mend: `let the sender write it into ${place}`,
      },
    }
  for (const [name, value] of new URLSearchParams(request.query))
    if (name !== query)
      for (const token of readings(value))
        yield {
          token,
          differs: {
            cause: 'in-query',
            because: `the token stands in the query, as ${name.slice(0, 64)}, and the route looks for it in ${shown}`,
            mend: `let the sender write it into ${place}; where it can't, use api-key with query: ${name.slice(0, 64)}`,
          },
        }
}

function cookiesOf(values: readonly string[]): readonly (readonly [name: string, value: string])[] {
  return values
    .flatMap(value => value.split(/;\s*/))
    .map(pair => [pair.slice(0, Math.max(0, pair.indexOf('='))), pair.slice(pair.indexOf('=') + 1)] as const)
    .slice(0, MOST_COOKIES)
}

function* readings(value: string): Generator<string> {
  yield value.trim()
  yield value.trim().replace(/^[A-Za-z-]+[ =:]+/, '')
}

type Change = readonly [cause: string, because: string, mend: string, change: (text: string) => string | undefined]

const CHANGES: readonly Change[] = [
  [
    'twice',
    '"Bearer" is written twice',
    'write the token alone in the sender: its interface adds "Bearer" by itself',
    text => again(/^(bearer[ :]+)+/i, text),
  ],
  [
    'header-twice',
    'two Authorization fields were joined by a comma, and the first is the token',
    'a proxy adds the header where it is already: let it set the field, not add to it',
    text => joined(text)[0],
  ],
  [
    'header-twice',
    'two Authorization fields were joined by a comma, and the last is the token',
    'a proxy adds the header where it is already: let it set the field, not add to it',
    text => joined(text).at(-1),
  ],
  [
    'json',
    'the token stands inside JSON: what an authorization server answers was sent whole',
    'let the sender send the token alone, the value of that member',
    text => inJson(text),
  ],
  [
    'blank',
    'there are blanks around the token, or a line end in it',
    'enter the token in the sender without blanks and line ends',
    text => text.replace(/\s+/g, ''),
  ],
  [
    'quotes',
    'the token stands in quotation marks or brackets',
    'enter the token in the sender without the marks around it',
    text => text.trim().replace(/^(["'`<{([]+)(.*?)(["'`>})\]]+)$/s, '$2'),
  ],
  [
    'line-end',
    'the token ends in a "\\n" that is two characters',
    'enter the token in the sender without the backslash and the n',
    text => text.replace(/(\\r)?\\n$/, ''),
  ],
  [
    'assignment',
    'the name stands before the token, with "=" or ":"',
    'enter the token alone',
    text => text.replace(/^[A-Za-z_][\w-]*[=:]\s*/, ''),
  ],
  [
    'escaped',
    'the token is percent-encoded',
    'enter the token in the sender as it is, not as %XX',
    text => attempted(() => decodeURIComponent(text).replace(/^bearer +/i, '')),
  ],
  [
    'encoded',
    'the token is in base64',
    'the sender encodes the token: let it send the token as it is',
    text => decoded(text),
  ],
  [
    'invisible',
    'there is an invisible character in the token',
    'type the token, or copy it as plain text: a word processor or a chat added a character',
    text => text.replace(/[^\x21-\x7e]+/g, ''),
  ],
  [
    'case',
    'the token is written in lower case',
    'enter the token in the case in which it was made',
    text => text.toUpperCase(),
  ],
  [
    'case',
    'the token is written in upper case',
    'enter the token in the case in which it was made',
    text => text.toLowerCase(),
  ],
  [
    'password',
    'the token is the password of Basic credentials, and the route takes a bearer token',
    'let the sender send "Authorization: Bearer TOKEN", or use basic on this route',
    text => pair(text)?.[1],
  ],
  [
    'password',
    'the token is the user name of Basic credentials, and the route takes a bearer token',
    'let the sender send "Authorization: Bearer TOKEN", or use basic on this route',
    text => pair(text)?.[0],
  ],
]

/** What stands in the place of the blank behind "Bearer", and the token. */
const OTHER_BLANK = /^bearer([^\x20-\x7e][^\x21-\x7e]*)(.*)$/is

/** Code points of characters of a header: they come as UTF-8, a character a byte, or as ISO 8859-1. */
function codePoints(text: string): string {
  const utf8 = Buffer.from(text, 'latin1').toString('utf8')
  const wide = /[^\0-\xff]/.test(text) || utf8.includes('\ufffd')
  return [...(wide ? text : utf8)]
    .map(char => `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`)
    .join(' ')
}

function otherBlank(between: string, token: string): TokenText {
  return {
    token,
    differs: {
      cause: 'other-blank',
      because: `${codePoints(between)} stands behind "Bearer" in Authorization, which only looks like a blank`,
      mend: 'type the blank in the sender by hand: what was copied brought another character along',
    },
  }
}

function* inPlace(value: string, header: string, times: number): Generator<TokenText> {
  if (/^bearer\s*$/i.test(value)) return
  const bare = /^([A-Za-z][A-Za-z0-9-]*)[ ]+(.*)$/s.exec(value)
  const scheme = bare?.[1] ?? ''
  const isBearer = scheme.toLowerCase() === 'bearer'
  const text = isBearer ? (bare?.[2] ?? '') : value
  const blank = header === 'authorization' ? OTHER_BLANK.exec(value) : null
  const colon = header === 'authorization' ? /^bearer\s*:\s*(?!bearer)/i.exec(value) : null
  if (colon)
    yield {
      token: value.slice(colon[0].length),
      differs: {
        cause: 'colon',
        because: 'a colon stands behind "Bearer"',
        mend: 'let the sender write "Bearer", a blank and the token',
      },
    }
  if (isBearer || header !== 'authorization') yield { token: text, differs: times > 1 ? twice(header) : undefined }
  else if (bare)
    yield {
      token: bare[2] ?? '',
      differs: {
        cause: 'other-scheme',
        because: `the token stands behind "${scheme}" in Authorization, and the route takes "Bearer"`,
        mend: 'let the sender write "Authorization: Bearer TOKEN"; where it can\'t, use api-key with header: Authorization',
      },
    }
  else if (blank) yield otherBlank(blank[1] ?? '', blank[2] ?? '')
  else
    yield {
      token: text,
      differs: {
        cause: 'no-scheme',
        because: 'the token stands alone in Authorization, without "Bearer " before it',
        mend: 'let the sender write "Bearer " and the token; where it can\'t, use api-key with header: Authorization',
      },
    }
  const inner = isBearer ? text : bare && header === 'authorization' ? (bare[2] ?? '') : text
  for (const [cause, because, mend, change] of CHANGES) {
    const token = change(inner)
    if (token !== undefined && token !== inner) yield { token, differs: { cause, because, mend } }
  }
}

const twice = (header: string) => ({
  cause: 'header-twice',
  because: `the header ${header} comes more than once, and one of its values is the token`,
  mend: 'a proxy adds the header where it is already: let it set the field, not add to it',
})

/** Several credentials in one field, as proxies join fields of one name; empty where it is one. */
function joined(text: string): readonly string[] {
  const parts = text.split(/\s*,\s*(?:bearer +)?/i)
  return parts.length > 1 ? parts : []
}

function inJson(text: string): string | undefined {
  if (!text.startsWith('{') && !text.startsWith('"')) return undefined
  const value = attempted(() => JSON.stringify(JSON.parse(text)))
  return value === undefined ? undefined : /"(?:access_?token|token|key|api_?key|value)":"([^"]+)"/i.exec(value)?.[1]
}

function again(pattern: RegExp, text: string): string | undefined {
  return pattern.test(text) ? text.replace(pattern, '') : undefined
}

function decoded(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64')
  const inner = bytes.toString('latin1')
  return text.length >= 8 && /^[\x20-\x7e]+$/.test(inner) ? inner.trim() : undefined
}

function pair(text: string): readonly [string, string] | undefined {
  const inner = decoded(text)
  const colon = inner?.indexOf(':') ?? -1
  return inner === undefined || colon < 0 ? undefined : [inner.slice(0, colon), inner.slice(colon + 1)]
}

function attempted(read: () => string): string | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
