import type { CurlWorld } from './curl.ts'
import { type FileRequest, fileFault, headerOf, methodOf, placeOf } from './file-request.ts'

const METHOD_LINE = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+(\S+)(?:\s+HTTP\/[\d.]+)?\s*$/
const COMMENT = /^\s*(#|\/\/)/
/** What a variable without a value leaves of an entry that is not wanted. */
const UNFILLED = /\{\{[^{}]+\}\}/
const VARIABLE = /^@([A-Za-z_][\w.-]*)\s*=\s*(.*)$/

/** Whether a text is one of the files that editors send requests from. */
export const isHttpFile = (text: string): boolean => text.split(/\r?\n/).some(row => METHOD_LINE.test(row))

/**
 * The requests of an `.http` file as VS Code's and JetBrains' clients read it: "###" between them, `@name = value`,
 * `{{name}}`, and `< file` for a body.
 * @param entry the place of the one that is wanted, from 1: of the others only what it is told apart by is read, and their variables
 * @throws VerbFault
 */
export function readHttpFile(text: string, world: CurlWorld, entry?: string): readonly FileRequest[] {
  const variables = new Map<string, string>()
  const requests: FileRequest[] = []
  const rows = text.split('\n')
  for (let at = 0; at < rows.length; ) {
    const next = rows.findIndex((row, index) => index > at && row.startsWith('###'))
    const end = next < 0 ? rows.length : next
    const isWanted = entry === undefined || entry === String(requests.length + 1)
    const request = (isWanted ? readOne : readLabel)(rows, at, end, variables, world)
    if (request) requests.push(request)
    at = end
  }
  return requests
}

type Fill = (text: string, line: number) => string

/** Puts variables in their places. @param otherwise what stands for one that has no value */
function filling(variables: ReadonlyMap<string, string>, world: CurlWorld, otherwise: Fill): Fill {
  return (text, line) =>
    text.replace(/\{\{\s*([^{}]{1,100}?)\s*\}\}/g, (_all, name: string) => {
      const value = variables.get(name) ?? (name.startsWith('$processEnv ') ? world.env[name.slice(12)] : undefined)
      return value ?? otherwise(name, line)
    })
}

const unknown: Fill = (name, line) => {
  throw fileFault(`the variable {{${name}}} has no value in this file`, `add a line: @${name} = VALUE`, line)
}

interface Start {
  /** The row of the request line. */
  readonly at: number
  /** Empty where that row is none. */
  readonly method: string
  readonly url: string
}

/** The request line behind the variables, which are set; `undefined` where there is none. */
function startOf(
  rows: readonly string[],
  from: number,
  to: number,
  variables: Map<string, string>,
  fill: Fill,
): Start | undefined {
  for (let at = from; at < to; at++) {
    const row = (rows[at] ?? '').replace(/\r$/, '')
    const [, name, value = ''] = VARIABLE.exec(row) ?? []
    if (name !== undefined) {
      const filled = fill(value.trim(), at + 1)
      if (!UNFILLED.test(filled)) variables.set(name, filled)
    } else if (row.trim() !== '' && !COMMENT.test(row)) {
      const [, method = '', url = ''] = METHOD_LINE.exec(fill(row, at + 1)) ?? []
      return { at, method, url }
    }
  }
  return undefined
}

/** One that is not wanted: what it is told apart by, whatever it lacks. */
function readLabel(
  rows: readonly string[],
  from: number,
  to: number,
  variables: Map<string, string>,
  world: CurlWorld,
): FileRequest | undefined {
  const start = startOf(
    rows,
    from,
    to,
    variables,
    filling(variables, world, name => `{{${name}}}`),
  )
  if (start === undefined) return undefined
  const { at, method, url } = start
  const target = url.replace(/\?.*$/s, '')
  const label = method === '' ? `line ${at + 1}` : `${method} ${target}`
  return { label, method, target, headers: [], body: Buffer.alloc(0), cut: true, limits: [] }
}

function readOne(
  rows: readonly string[],
  from: number,
  to: number,
  variables: Map<string, string>,
  world: CurlWorld,
): FileRequest | undefined {
  const fill = filling(variables, world, unknown)
  const start = startOf(rows, from, to, variables, fill)
  if (start === undefined) return undefined
  const { method, url: written } = start
  let { at } = start
  if (method === '') throw fileFault('this is no request line', 'write e.g. POST https://HOST/PATH', at + 1)
  const line = at + 1
  let url = written
  const headers: (readonly [string, string])[] = []
  for (at++; at < to; at++) {
    const row = fill((rows[at] ?? '').replace(/\r$/, ''), at + 1)
    if (row.trim() === '') break
    if (COMMENT.test(row)) continue
    // A query may go on in lines of its own.
    if (headers.length === 0 && /^\s+[?&]/.test(row)) url += row.trim()
    else headers.push(headerOf(row, at + 1))
  }
  const place = placeOf(url, line)
  return {
    ...place,
    authority: place.authority ?? headers.find(([name]) => name.toLowerCase() === 'host')?.[1],
    label: `${method} ${place.target.replace(/\?.*$/s, '')}`,
    method: methodOf(method, line),
    headers,
    body: bodyOf(rows.slice(at + 1, to), at + 2, fill, world),
    cut: false,
    limits: [],
  }
}

function bodyOf(rows: readonly string[], line: number, fill: Fill, world: CurlWorld): Buffer {
  // The blank lines before the next "###" are not the body's.
  const text = rows.join('\n').replace(/[\r\n\s]+$/, '')
  const [, file] = /^<@?\s+(\S+)$/.exec(text.trim()) ?? []
  if (file !== undefined) return world.readFile(file)
  return Buffer.from(fill(text, line))
}
