import type { CurlWorld } from './curl.ts'
import { type FileRequest, fileFault, headerOf, methodOf, placeOf } from './file-request.ts'

const METHOD_LINE = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\s+(\S+)(?:\s+HTTP\/[\d.]+)?\s*$/
const COMMENT = /^\s*(#|\/\/)/
const VARIABLE = /^@([A-Za-z_][\w.-]*)\s*=\s*(.*)$/

/** Whether a text is one of the files that editors send requests from. */
export const isHttpFile = (text: string): boolean => text.split(/\r?\n/).some(row => METHOD_LINE.test(row))

/**
 * The requests of an `.http` file as VS Code's and JetBrains' clients read it: "###" between them, `@name = value`,
 * `{{name}}`, and `< file` for a body.
 * @throws VerbFault
 */
export function readHttpFile(text: string, world: CurlWorld): readonly FileRequest[] {
  const variables = new Map<string, string>()
  const requests: FileRequest[] = []
  const rows = text.split('\n')
  for (let at = 0; at < rows.length; ) {
    const next = rows.findIndex((row, index) => index > at && row.startsWith('###'))
    const end = next < 0 ? rows.length : next
    const request = readOne(rows, at, end, variables, world)
    if (request) requests.push(request)
    at = end
  }
  return requests
}

function readOne(
  rows: readonly string[],
  from: number,
  to: number,
  variables: Map<string, string>,
  world: CurlWorld,
): FileRequest | undefined {
  const fill = (text: string, line: number): string =>
    text.replace(/\{\{\s*([^{}]{1,100}?)\s*\}\}/g, (_all, name: string) => {
      const value = variables.get(name) ?? (name.startsWith('$processEnv ') ? world.env[name.slice(12)] : undefined)
      if (value === undefined)
        throw fileFault(`the variable {{${name}}} has no value in this file`, `add a line: @${name} = VALUE`, line)
      return value
    })
  let at = from
  for (; at < to; at++) {
    const row = (rows[at] ?? '').replace(/\r$/, '')
    const [, name, value = ''] = VARIABLE.exec(row) ?? []
    if (name !== undefined) variables.set(name, fill(value.trim(), at + 1))
    else if (row.trim() !== '' && !COMMENT.test(row)) break
  }
  if (at >= to) return undefined
  const [, method = '', written = ''] = METHOD_LINE.exec(fill((rows[at] ?? '').replace(/\r$/, ''), at + 1)) ?? []
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

function bodyOf(
  rows: readonly string[],
  line: number,
  fill: (text: string, line: number) => string,
  world: CurlWorld,
): Buffer {
  // The blank lines before the next "###" are not the body's.
  const text = rows.join('\n').replace(/[\r\n\s]+$/, '')
  const [, file] = /^<@?\s+(\S+)$/.exec(text.trim()) ?? []
  if (file !== undefined) return world.readFile(file)
  return Buffer.from(fill(text, line))
}
