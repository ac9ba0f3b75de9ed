import { characterAt, describeCharacter, isHidden } from './characters.ts'
import type { ValueFault } from './fault.ts'

const NO_SCHEME = 'is no absolute URL'
const UNFIT = /[\s"<>\\^`{|}]/

/** Whether a URL's host is this one, whatever a resolver says. */
export const isLoopback = (url: string): boolean =>
  URL.canParse(url) && /^(?:localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname)

/**
 * What is wrong with an `http:` or `https:` URL written by hand; `undefined` where nothing is.
 * Nothing is trimmed or repaired: WHATWG parsing would drop blanks, tabs and line ends without a word.
 */
export function urlFault(text: string): ValueFault | undefined {
  const character = characterFault(text)
  if (character) return character
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):/.exec(text)?.[1]
  if (scheme === undefined || !/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(text))
    return { message: NO_SCHEME, mend: `write it with its scheme, ${urlMeant(text)}` }
  if (scheme !== 'http' && scheme !== 'https')
    return {
      message: `has the scheme "${scheme}"`,
      mend: 'write http:// or https://',
      part: { at: 0, length: scheme.length },
    }
  const begin = scheme.length + 3
  const authority = text.slice(begin).split(/[/?#]/, 1)[0] ?? ''
  const at = authority.lastIndexOf('@')
  if (at >= 0)
    return {
      message: 'holds credentials',
      mend: 'write the URL without them: what stands in a URL ends up in logs',
      part: { at: begin, length: at + 1 },
    }
  for (const [mark, name] of [
    ['#', 'fragment'],
    ['?', 'query'],
  ] as const) {
    const found = text.indexOf(mark)
    if (found >= 0)
      return {
        message: `holds a ${name}`,
        mend: `leave out "${mark}" and what follows`,
        part: { at: found, length: text.length - found },
      }
  }
  if (!URL.canParse(text))
    return { message: 'is no URL', mend: 'write scheme, host, port and path, e.g. http://127.0.0.1:3000/in' }
  return hostAndPath(text, authority, begin)
}

/** A URL that was written without its scheme, with either; else an example of one. */
function urlMeant(text: string): string {
  const rest = text.replace(/^:?\/\//, '')
  const isHost = /^(?:[\w-]+(?:\.[\w-]+)*|\[[\da-f:.]+\])(?::\d+)?(?:\/|$)/i.test(rest)
  return isHost && urlFault(`http://${rest}`) === undefined
    ? `http://${rest}, or https://${rest} where it speaks TLS`
    : 'e.g. http://127.0.0.1:3000/in'
}

function hostAndPath(text: string, authority: string, begin: number): ValueFault | undefined {
  const url = new URL(text)
  const host = authority.replace(/:\d*$/, '')
  if (url.hostname !== host.toLowerCase())
    return {
      message: `holds the host "${host}", which means "${url.hostname}"`,
      mend: `write ${url.hostname}`,
      part: { at: begin, length: host.length },
    }
  const path = text.slice(begin + authority.length)
  if (path !== '' && path !== url.pathname)
    return {
      message: `holds the path "${path}", which means "${url.pathname}"`,
      mend: `write ${url.pathname}`,
      part: { at: begin + authority.length, length: path.length },
    }
  return undefined
}

function characterFault(text: string): ValueFault | undefined {
  for (let at = 0; at < text.length; at++) {
    const char = characterAt(text, at)
    const part = { at, length: char.length }
    const where = `character ${at + 1}`
    if (char === ' ') {
      const place =
        text.trimStart().length < text.length && at === 0
          ? 'begins with'
          : text.trimEnd().length <= at
            ? 'ends with'
            : undefined
      return place === undefined
        ? { message: `holds a blank at ${where}`, mend: 'write it without the blank; in a path a blank is %20', part }
        : { message: `${place} a blank`, mend: 'write it without the blank', part }
    }
    if (isHidden(char))
      return {
        message: `holds a hidden character at ${where}, ${describeCharacter(char)}`,
        mend: 'type it by hand instead of pasting it',
        part,
      }
    if (char > '~')
      return {
        message: `holds ${describeCharacter(char)} at ${where}, which no URL holds as it stands`,
        mend: 'write the host in its xn-- form, and the path percent-encoded',
        part,
      }
    if (UNFIT.test(char))
      return {
        message: `holds ${JSON.stringify(char)} at ${where}`,
        mend: `write it percent-encoded: ${encodeURIComponent(char)}`,
        part,
      }
  }
  return undefined
}

/** A URL that names an origin alone, without a path: what senders were given, up to the path. */
export function originFault(text: string): ValueFault | undefined {
  const fault = urlFault(text)
  if (fault)
    return fault.message === NO_SCHEME ? { ...fault, mend: `write it with its scheme, ${originMeant(text)}` } : fault
  const { pathname } = new URL(text)
  if (pathname === '/') return undefined
  const origin = originOf(text)
  return {
    message: `holds the path "${pathname}"`,
    mend: `write ${origin}: the request's own path follows`,
    part: { at: text.indexOf(pathname, origin.length - 1), length: pathname.length },
  }
}

/**
 * Scheme, host and port of an `http:` or `https:` URL. Unlike the origin of the URL standard it keeps a port that is the
 * scheme's own where one is written: who was given it so signs it so.
 */
export function originOf(url: string): string {
  const { origin, port } = new URL(url)
  const written = port === '' ? /^\w+:\/\/[^/?#]*(:\d+)(?=[/?#]|$)/.exec(url)?.[1] : undefined
  return `${origin}${written ?? ''}`
}

/** A host that was written without its scheme, as an origin; else an example of one. */
function originMeant(text: string): string {
  const host = text.split(/[/?#]/).find(part => part !== '') ?? ''
  const meant = `https://${host.toLowerCase()}`
  const isHost = /^[\w-]+(?:\.[\w-]+)*\.[a-z][\w-]*(?::\d+)?$/i.test(host)
  return isHost && urlFault(meant) === undefined ? meant : 'e.g. https://hooks.example.com'
}
