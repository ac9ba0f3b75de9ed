import { nearest } from '../../config/nearest.ts'
import { kindOf, knownOptions, longName } from './curl-options.ts'
import { curlUrl } from './curl-url.ts'
import { type FileRequest, fileFault, headerOf, methodOf, placeOf } from './file-request.ts'
import { shellWords, type Word } from './shell-words.ts'

/** The world of a curl command. */
export interface CurlWorld {
  readonly env: NodeJS.ProcessEnv
  /** Reads a file that the command names (`@file`). @throws VerbFault */
  readFile(path: string): Buffer
}

interface Option {
  readonly name: string
  readonly value: string
  readonly line: number
}

const FORM = 'application/x-www-form-urlencoded'

/** The request that a curl command sends, as curl makes it (curl's manual page). @throws VerbFault */
export function readCurl(command: string, world: CurlWorld): FileRequest {
  const [first, ...words] = shellWords(command, world.env)
  if (first === undefined || !/(^|[/\\])curl(\.exe)?$/.test(first.text))
    throw fileFault('this is no curl command', 'begin with: curl', first?.line)
  const { options, urls } = optionsOf(words)
  const all = (name: string): readonly Option[] => options.filter(option => option.name === name)
  const last = (name: string): Option | undefined => all(name).at(-1)
  const form = last('form') ?? last('form-string')
  if (form)
    throw fileFault(
      'the command sends a multipart form, whose boundary curl makes up anew each time',
      'capture the request itself: a HAR file, or curl --trace',
      form.line,
    )
  const read = last('config') ?? last('netrc-file')
  if (read)
    throw fileFault(
      `the command takes options from a file (--${read.name}), which is not read here`,
      'write what stands in the file as options of the command',
      read.line,
    )
  const url = urls.at(-1)
  if (url === undefined) throw fileFault('the command names no URL', 'add the URL')
  if (urls.length > 1) throw fileFault(`the command names ${urls.length} URLs`, 'leave one', url.line)
  const data = dataOf(options, world)
  const isGet = last('get') !== undefined
  const upload = last('upload-file')
  const place = placeOf(url.value, url.line)
  const { user, target: path } = curlUrl(url.value, place.target, last('path-as-is') !== undefined, upload?.value)
  const queries = [
    ...(isGet && data ? [data.toString('utf8')] : []),
    ...all('url-query').map(one => encoded(one, world)),
  ]
  const target = queries.length === 0 ? path : `${path}${path.includes('?') ? '&' : '?'}${queries.join('&')}`
  const body = upload ? world.readFile(upload.value) : isGet || data === undefined ? Buffer.alloc(0) : data
  const implied = upload ? 'PUT' : last('head') ? 'HEAD' : data && !isGet ? 'POST' : 'GET'
  const method = methodOf(last('request')?.value ?? implied, last('request')?.line)
  return {
    ...place,
    label: `${method} ${target.replace(/\?.*$/s, '')}`,
    method,
    target: last('request-target')?.value ?? target,
    headers: headersOf(options, user, data !== undefined && !isGet, world),
    body,
    cut: false,
    limits: [],
  }
}

function optionsOf(words: readonly Word[]): { readonly options: readonly Option[]; readonly urls: readonly Option[] } {
  const options: Option[] = []
  const urls: Option[] = []
  let onlyUrls = false
  for (let at = 0; at < words.length; at++) {
    const { text, line } = words[at] ?? { text: '', line: 0 }
    const take = (name: string, attached: string | undefined): void => {
      const value = attached ?? words[++at]?.text
      if (value === undefined) throw fileFault(`--${name} has no value`, 'write its value behind it', line)
      if (name === 'url') urls.push({ name, value, line })
      else options.push({ name, value, line })
    }
    if (onlyUrls || text === '-' || !text.startsWith('-')) urls.push({ name: 'url', value: text, line })
    else if (text === '--') onlyUrls = true
    else if (text.startsWith('--')) {
      const name = text.slice(2)
      const kind = kindOf(name) ?? (name.startsWith('no-') && kindOf(name.slice(3)) === 'plain' ? 'plain' : undefined)
      if (kind === undefined) throw unknown(name, line)
      if (kind === 'valued') take(name, undefined)
      else options.push({ name, value: '', line })
    } else
      for (let letter = 1; letter < text.length; letter++) {
        const name = longName(text.charAt(letter))
        if (name === undefined) throw unknown(text.charAt(letter), line)
        if (kindOf(name) === 'valued') {
          take(name, letter + 1 < text.length ? text.slice(letter + 1) : undefined)
          break
        }
        options.push({ name, value: '', line })
      }
  }
  return { options, urls }
}

function unknown(name: string, line: number): Error {
  const near = name.length > 1 ? nearest(name, knownOptions()) : undefined
  return fileFault(
    `the option ${name.length > 1 ? '--' : '-'}${name.slice(0, 40)} is none that is known here`,
    near === undefined ? 'take it out, if it changes nothing of the request' : `did you mean --${near}?`,
    line,
  )
}

/** All data options joined by "&", as curl joins them; `undefined` where there are none. */
function dataOf(options: readonly Option[], world: CurlWorld): Buffer | undefined {
  const parts: Buffer[] = []
  for (const option of options) {
    const { name, value } = option
    const isJson = name === 'json'
    if (!isJson && !/^data(-ascii|-raw|-binary|-urlencode)?$/.test(name)) continue
    const fromFile = value.startsWith('@') && name !== 'data-raw' && name !== 'data-urlencode'
    const part = fromFile
      ? world.readFile(value.slice(1))
      : name === 'data-urlencode'
        ? Buffer.from(encoded(option, world))
        : Buffer.from(value)
    // Of a file, -d leaves line ends and zero bytes out.
    const kept =
      fromFile && (name === 'data' || name === 'data-ascii')
        ? part.filter(byte => byte !== 10 && byte !== 13 && byte !== 0)
        : part
    if (parts.length > 0 && !isJson) parts.push(Buffer.from('&'))
    parts.push(Buffer.from(kept))
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts)
}

/** As --data-urlencode and --url-query: `text`, `=text`, `name=text`, `@file`, `name@file`. */
function encoded({ name, value }: Option, world: CurlWorld): string {
  if (name === 'url-query' && value.startsWith('+')) return value.slice(1)
  const equals = value.indexOf('=')
  const at = value.indexOf('@')
  const written = (bytes: Buffer): string => [...bytes].map(escapeByte).join('')
  if (equals >= 0 && (at < 0 || equals < at))
    return `${value.slice(0, equals)}${equals === 0 ? '' : '='}${written(Buffer.from(value.slice(equals + 1)))}`
  if (at >= 0) return `${value.slice(0, at)}${at === 0 ? '' : '='}${written(world.readFile(value.slice(at + 1)))}`
  return written(Buffer.from(value))
}

function escapeByte(byte: number): string {
  const char = String.fromCharCode(byte)
  if (char === ' ') return '+'
  return /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
}

/** @param user user and password of the URL */
function headersOf(
  options: readonly Option[],
  user: string | undefined,
  hasData: boolean,
  world: CurlWorld,
): FileRequest['headers'] {
  const given: (readonly [string, string])[] = []
  const removed = new Set<string>()
  for (const { name, value, line } of options) {
    if (name === 'header') {
      const texts = value.startsWith('@') ? world.readFile(value.slice(1)).toString('utf8').split(/\r?\n/) : [value]
      for (const text of texts.filter(each => each.trim() !== '')) {
        // "Name;" sends an empty field, "Name:" takes curl's own off.
        if (/^[^:]+;$/.test(text)) given.push([text.slice(0, -1).trim(), ''])
        else if (/^[^:]+:\s*$/.test(text)) removed.add(text.slice(0, text.indexOf(':')).trim().toLowerCase())
        else given.push(headerOf(text, line))
      }
    }
  }
  const has = (name: string): boolean =>
    removed.has(name.toLowerCase()) || given.some(([one]) => one.toLowerCase() === name.toLowerCase())
  const optionOf = (name: string): string | undefined => options.findLast(option => option.name === name)?.value
  const isJson = optionOf('json') !== undefined
  const login = optionOf('user') ?? user
  const bearer = optionOf('oauth2-bearer')
  const range = optionOf('range')
  const cookies = options.filter(({ name, value }) => name === 'cookie' && value.includes('='))
  const own: readonly (readonly [name: string, value: string | undefined])[] = [
    ['User-Agent', optionOf('user-agent') ?? 'curl'],
    ['Accept', isJson ? 'application/json' : '*/*'],
    ['Content-Type', hasData ? (isJson ? 'application/json' : FORM) : undefined],
    ['Authorization', bearer === undefined ? basicOf(login) : `Bearer ${bearer}`],
    ['Cookie', cookies.map(({ value }) => value).join(';')],
    ['Referer', optionOf('referer')],
    ['Range', range && `bytes=${range}`],
    ['Accept-Encoding', optionOf('compressed') === undefined ? undefined : 'deflate, gzip, br, zstd'],
  ]
  // One that is given by --header takes the place of curl's own.
  return [...own.flatMap(([name, value]) => (value && !has(name) ? [[name, value] as const] : [])), ...given]
}

const basicOf = (login: string | undefined): string | undefined =>
  login && `Basic ${Buffer.from(login.includes(':') ? login : `${login}:`).toString('base64')}`
