import type { Answer } from './ask.ts'

/** What a gate says of a request that it does not let through (RFC 9457). */
export interface GateProblem {
  readonly code: string
  readonly requestId: string
}

/** The problem of a gate; `undefined` where the answer is somebody else's. */
export function problemIn({ headers, body }: Answer): GateProblem | undefined {
  if (!headers['content-type']?.startsWith('application/problem+json')) return undefined
  try {
    const { type, code, 'request-id': id } = JSON.parse(body) as Readonly<Record<string, unknown>>
    if (typeof type !== 'string' || !type.startsWith('urn:sallyport:') || typeof code !== 'string') return undefined
    return { code, requestId: typeof id === 'string' ? id : '' }
  } catch {
    return undefined
  }
}
