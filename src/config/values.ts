import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { parseAddress, parseNetwork } from '../core/address.ts'
import { characterAt, describeCharacter, isHidden } from './characters.ts'
import type { ValueFault } from './fault.ts'
import type { Bind } from './model.ts'

const LONGEST_SOCKET_PATH = 107
const say = (message: string, mend: string): ValueFault => ({ message, mend })

/** Reads `127.0.0.1:8443`, `[::1]:80`, `unix:/run/gate.sock`; a fault where it is none of them. */
export function readBind(text: string): Bind | ValueFault {
  if (text.startsWith('unix:')) {
    const unix = text.slice('unix:'.length)
    if (unix === '') return say('names no socket', 'write the path behind it, e.g. unix:/run/sallyport/gate.sock')
    if (Buffer.byteLength(unix) > LONGEST_SOCKET_PATH)
      return say(`is longer than the ${LONGEST_SOCKET_PATH} bytes that a socket path can have`, 'choose a shorter path')
    return { unix }
  }
  if (/^[1-9]\d{0,4}$/.test(text)) return say('is a port alone', everyOrThisHost(text))
  const [, scheme, inner, more] = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/)?([^/\s]+?:\d+)([/ ;].*)?$/.exec(text) ?? []
  if (inner !== undefined && (scheme !== undefined || more !== undefined)) {
    const alone = readBind(inner)
    const mend = isFault(alone) ? alone.mend : `write ${inner}`
    const told = scheme === 'https://' || /\bssl\b/.test(more ?? '') ? `${mend}, and "tls" beside it` : mend
    return say(scheme === undefined ? 'has more behind the port' : 'is a URL, and no address with a port', told)
  }
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(.*)$/.exec(text)
  const form = 'write an address and a port, e.g. 127.0.0.1:8443 or [::1]:8443, or unix:/path.sock'
  if (!match) return say('is no address with a port', form)
  const host = match[1] ?? match[2] ?? ''
  const port = match[3] ?? ''
  if (!/^(0|[1-9]\d{0,4})$/.test(port) || Number(port) > 65535) return say('has no port from 0 to 65535', form)
  if (host === '' || host === '*') return say('names no address', everyOrThisHost(port))
  if (host === 'localhost') return say('is a name, not an address', `write 127.0.0.1:${port} or [::1]:${port}`)
  const family = isIP(host)
  if (family === 0 || host.includes('%') || (family === 6) !== (match[1] !== undefined))
    return say('has no IP address before the port', form)
  return { host, port: Number(port) }
}

const everyOrThisHost = (port: string): string =>
  `write 0.0.0.0:${port} or [::]:${port} for every address, 127.0.0.1:${port} for this host alone`

export const isFault = (value: object): value is ValueFault => 'mend' in value

/** Whether only this host can reach it. */
export function isLocal(bind: Bind): boolean {
  if ('unix' in bind) return true
  const address = parseAddress(bind.host)
  if (!address) return false
  return address.family === 4 ? address.bytes[0] === 127 : address.text === '::1'
}

/** A socket path is relative to the config file's folder, as every path is. */
export const absoluteBind = (bind: Bind, folder: string): Bind =>
  'unix' in bind ? { unix: resolve(folder, bind.unix) } : bind

export const formatBind = (bind: Bind): string => {
  if ('unix' in bind) return `unix:${bind.unix}`
  return bind.host.includes(':') ? `[${bind.host}]:${bind.port}` : `${bind.host}:${bind.port}`
}

const NORMAL = /^[A-Za-z0-9\-._~!$&'()*+,=:@/]$/

/** A path as RFC 3986 section 6.2.2 normalises it; requests are compared to it byte by byte. */
export function pathFault(text: string): ValueFault | undefined {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return urlAsPath(text)
  if (!text.startsWith('/')) return say('does not begin with "/"', `write "/${text.replace(/^[^A-Za-z0-9]+/, '')}"`)
  for (let at = 0; at < text.length; at++) {
    const fault = pathCharacterFault(text, at)
    if (fault) return fault
  }
  const double = text.indexOf('//')
  if (double >= 0)
    return { message: 'holds an empty segment', mend: 'write one "/" instead of "//"', part: { at: double, length: 2 } }
  const dots = /\/\.\.?(?=\/|$)/.exec(text)
  if (dots)
    return {
      message: `holds the dot segment "${dots[0]}"`,
      mend: 'write the path that it leads to',
      part: { at: dots.index, length: dots[0].length },
    }
  return decodedFault(text)
}

/** A whole URL where its path is meant. */
function urlAsPath(text: string): ValueFault {
  const path = URL.canParse(text) ? new URL(text).pathname : ''
  const example = path === '' || pathFault(path) !== undefined ? '/hooks/github' : path
  return say('is a whole URL', `write its path alone, ${JSON.stringify(example)}`)
}

function pathCharacterFault(text: string, at: number): ValueFault | undefined {
  const char = characterAt(text, at)
  const rest = { at, length: text.length - at }
  const part = { at, length: char.length }
  if (char === '%') {
    const fault = escapeFault(text.slice(at, at + 3))
    return fault && { ...fault, part: { at, length: Math.min(3, rest.length) } }
  }
  if (char === '?')
    return {
      message: 'holds a query',
      mend: 'leave out "?" and what follows: it takes no part in the choice',
      part: rest,
    }
  if (char === '#')
    return { message: 'holds a fragment', mend: 'leave out "#" and what follows: it is never sent', part: rest }
  if (isHidden(char))
    return {
      message: `holds a hidden character, ${describeCharacter(char)}`,
      mend: 'type it by hand instead of pasting it',
      part,
    }
  if (NORMAL.test(char)) return undefined
  // As they are, and as escapes: requests are refused for them.
  if (char === ';' || char === '\\') return { ...notInRequests(JSON.stringify(char)), part }
  return {
    message: `holds ${JSON.stringify(char)}, which no request path holds as it stands`,
    mend: `write it percent-encoded: ${encodeURIComponent(char)}`,
    part,
  }
}

const notInRequests = (what: string): ValueFault =>
  say(`holds ${what}, for which every request is refused (request.malformed)`, 'choose a path without it')

/** Escapes that make one text together, which a request has to hold whole. */
function decodedFault(text: string): ValueFault | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(text)
  } catch {
    return notInRequests('escapes that are no UTF-8')
  }
  return decoded.endsWith(' ') || /\/ | \//.test(decoded)
    ? notInRequests('a segment that begins or ends with a blank')
    : undefined
}

function escapeFault(triplet: string): ValueFault | undefined {
  const hex = /^%([0-9A-Fa-f]{2})$/.exec(triplet)?.[1]
  if (hex === undefined) return say(`holds "${triplet}", which is no percent-encoding`, 'choose a path without "%"')
  const char = String.fromCharCode(Number.parseInt(hex, 16))
  if (/[A-Za-z0-9\-._~]/.test(char)) return say(`holds "${triplet}", which is a plain "${char}"`, `write "${char}"`)
  if (/[/\\%;?#]/.test(char) || char < ' ' || char === '\u007f') return notInRequests(`"${triplet}"`)
  return hex === hex.toUpperCase()
    ? undefined
    : say(`holds "${triplet}" in lower case`, `write "%${hex.toUpperCase()}"`)
}

const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/

/** A host as it stands in a Host header, without the port. */
export function hostFault(text: string): ValueFault | undefined {
  if (text.startsWith('[') || isIP(text) === 6) {
    const address = parseAddress(text.replace(/^\[|\]$/g, ''))
    if (!address) return say('is no IPv6 address', 'write it as [2001:db8::1]')
    return text === `[${address.text}]`
      ? undefined
      : say('is not written as clients write it', `write "[${address.text}]"`)
  }
  if (isIP(text) === 4) return undefined
  if (text.includes('://')) return say('is a URL', 'write the host alone, e.g. hooks.example.com')
  if (text.includes(':'))
    return say('holds a port', `write "${text.slice(0, text.indexOf(':'))}": a route listens on its listener's port`)
  if (text.includes('*')) return say('holds a wildcard', 'write one route for each host, or leave "host" out for any')
  if (text !== text.toLowerCase()) return say('holds capital letters', `write "${text.toLowerCase()}"`)
  if (text.endsWith('.')) return say('ends with a dot', `write "${text.replace(/\.+$/, '')}"`)
  const good = text.length <= 253 && text.split('.').every(label => LABEL.test(label.replaceAll('_', '-')))
  return good
    ? undefined
    : say(
        'is no host name',
        'write a name such as hooks.example.com (international names as xn--...), or an IP address',
      )
}

/** An address or a network of trusted proxies. */
export function networkFault(text: string): ValueFault | undefined {
  const network = parseNetwork(text)
  if (!network)
    return say(
      'is no network',
      'write an address and a prefix length, e.g. 10.0.0.0/8 or 2001:db8::/32, or one address',
    )
  if (network.prefix === 0)
    return say(
      'trusts every address, so that every sender could name its own source',
      "write the load balancer's own addresses",
    )
  return undefined
}
