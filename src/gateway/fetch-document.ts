import { createRequire } from 'node:module'
import type { Agent, Dispatcher } from 'undici'
import { RemoteFault } from '../core/remote.ts'
import { formatDuration, formatSize } from '../core/units.ts'

/** What tells a server which copy is there already (RFC 9110 section 8.8). */
export interface Validators {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
}

export interface Fetched extends Validators {
  /** `undefined`: the copy that the validators name is still the current one. */
  readonly bytes: Buffer | undefined
  /** Milliseconds that the server calls it fresh (RFC 9111 section 4.2.1); `undefined` where it does not say. */
  readonly freshFor: number | undefined
}

export interface FetchLimits {
  readonly maxBytes: number
  /** Milliseconds, whole. */
  readonly deadline: number
}

/** The way to the servers of documents. */
export interface DocumentSource {
  readonly dispatcher: Dispatcher
  destroy(): Promise<void>
}

/**
 * Connections for documents: few, and not kept for long. Made, and undici loaded, for the first document: a gate
 * without any starts that much sooner.
 */
export class DocumentAgent implements DocumentSource {
  #agent: Agent | undefined

  get dispatcher(): Dispatcher {
    const undici = createRequire(import.meta.url)('undici') as typeof import('undici')
    this.#agent ??= new undici.Agent({
      connections: 4,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: 1_000,
      maxHeaderSize: 16_384,
    })
    return this.#agent
  }

  async destroy(): Promise<void> {
    await this.#agent?.destroy()
  }
}

/** Fetches one document once: no redirect, no compression, no retry. Does not reject. */
export async function fetchDocument(
  agent: Pick<DocumentSource, 'dispatcher'>,
  url: URL,
  limits: FetchLimits,
  ended: AbortSignal,
  known?: Validators,
): Promise<Fetched | RemoteFault> {
  const late = AbortSignal.timeout(limits.deadline)
  const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'sallyport' }
  if (known?.etag !== undefined) headers['if-none-match'] = known.etag
  if (known?.lastModified !== undefined) headers['if-modified-since'] = known.lastModified
  try {
    const answer = await agent.dispatcher.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: 'GET',
      headers,
      signal: AbortSignal.any([late, ended]),
    })
    return await read(answer, url, limits, known)
  } catch (error) {
    if (late.aborted)
      return new RemoteFault(
        `gave no whole answer within ${formatDuration(limits.deadline)}`,
        `see whether ${url.host} is reached from this host and answers`,
      )
    return new RemoteFault(`could not be fetched: ${said(error)}`, `see whether ${url.host} is reached from this host`)
  }
}

async function read(
  answer: Dispatcher.ResponseData,
  url: URL,
  { maxBytes }: FetchLimits,
  known: Validators | undefined,
): Promise<Fetched | RemoteFault> {
  const { statusCode, headers, body } = answer
  const asked = known?.etag !== undefined || known?.lastModified !== undefined
  const fault = statusCode === 304 && asked ? undefined : statusFault(statusCode, headers, url)
  if (fault) {
    // What it says is of no use, and its end might never come.
    body.on('error', () => undefined).destroy()
    return fault
  }
  const freshFor = freshness(headers)
  if (statusCode === 304) {
    await body.dump()
    return { etag: known?.etag, lastModified: known?.lastModified, bytes: undefined, freshFor }
  }
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBytes)
      return new RemoteFault(`is larger than ${formatSize(maxBytes)}`, 'see whether it is the right document')
    chunks.push(chunk)
  }
  return {
    etag: one(headers.etag),
    lastModified: one(headers['last-modified']),
    bytes: Buffer.concat(chunks),
    freshFor,
  }
}

function statusFault(status: number, headers: Dispatcher.ResponseData['headers'], url: URL): RemoteFault | undefined {
  if (status >= 300 && status < 400)
    return new RemoteFault(
      `answered ${status}, a redirect, which is not followed`,
      'write the address that it leads to, where that is the right one',
    )
  if (status !== 200)
    return new RemoteFault(`answered ${status}`, `ask for it by hand: curl -i ${url.origin}${url.pathname}`)
  const coding = one(headers['content-encoding'])
  if (coding === undefined || coding.toLowerCase() === 'identity') return undefined
  return new RemoteFault(
    'came compressed, unasked',
    'let its server answer without compression where none is asked for',
  )
}

/** What max-age leaves after Age; `no-store` and `no-cache` say nothing of how soon it changes. */
function freshness(headers: Dispatcher.ResponseData['headers']): number | undefined {
  const seconds = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(one(headers['cache-control']) ?? '')?.[1]
  if (seconds === undefined) return undefined
  const age = /^\d{1,9}$/.exec(one(headers.age) ?? '')?.[0] ?? '0'
  return Math.max(0, Number(seconds) - Number(age)) * 1000
}

function one(field: string | string[] | undefined): string | undefined {
  return Array.isArray(field) ? field.join(', ') : field
}

function said(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return error.message === '' ? code : `${code} (${error.message})`
}
