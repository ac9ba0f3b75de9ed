import { z } from 'zod'
import { type FileRequest, fileFault, placeOf } from './file-request.ts'

const pair = z.object({ name: z.string(), value: z.string() })
const entry = z.object({
  startedDateTime: z.string().optional(),
  request: z.object({
    method: z.string().min(1),
    url: z.string().min(1),
    headers: z.array(pair).default([]),
    postData: z
      .object({
        mimeType: z.string().optional(),
        text: z.string().optional(),
        encoding: z.string().optional(),
        params: z.array(z.object({ name: z.string(), value: z.string().default('') })).optional(),
      })
      .nullish(),
  }),
  response: z.object({ status: z.number() }).optional(),
})
const har = z.object({ log: z.object({ entries: z.array(z.unknown()) }) })

/** The requests of an HTTP Archive 1.2 (http://www.softwareishard.com/blog/har-12-spec/). @throws VerbFault */
export function readHar(value: unknown): readonly FileRequest[] {
  const archive = har.safeParse(value)
  if (!archive.success)
    throw fileFault('it is no HAR file: it has no log.entries', 'export it anew ("Save all as HAR with content")')
  const { entries } = archive.data.log
  if (entries.length === 0) throw fileFault('the HAR file has no entries', 'record the request, and export again')
  return entries.map((given, index) => {
    const read = entry.safeParse(given)
    if (read.success) return requestOf(read.data, index)
    const [issue] = read.error.issues
    throw fileFault(
      `entry ${index + 1} of the HAR file: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not as HAR has it'}`,
      'export it anew, or choose another by --entry',
    )
  })
}

function requestOf({ startedDateTime, request, response }: z.output<typeof entry>, index: number): FileRequest {
  const place = placeOf(request.url)
  const limits: string[] = []
  // HTTP/2's pseudo fields stand in HTTP/1.1's request line and Host.
  const authority = request.headers.find(({ name }) => name === ':authority')?.value ?? place.authority
  const headers = request.headers
    .filter(({ name }) => !name.startsWith(':'))
    .map(({ name, value }) => [name, value] as const)
  const { text, encoding, params } = request.postData ?? {}
  let body = Buffer.from(text ?? '', encoding === 'base64' ? 'base64' : 'utf8')
  if (text === undefined && params && params.length > 0) {
    body = Buffer.from(new URLSearchParams(params.map(({ name, value }): [string, string] => [name, value])).toString())
    limits.push(
      'The file has the form in parts, so its body was written anew: a signature over its bytes may not match.',
    )
  }
  const at = startedDateTime === undefined ? Number.NaN : Date.parse(startedDateTime)
  return {
    ...place,
    authority,
    label: `${index + 1}: ${request.method} ${place.target.replace(/\?.*$/s, '')}${response ? `, answered ${response.status}` : ''}`,
    method: request.method,
    headers,
    body,
    cut: false,
    receivedAt: Number.isNaN(at) ? undefined : at,
    status: response?.status,
    limits,
  }
}
