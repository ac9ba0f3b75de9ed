import { z } from 'zod'
import type { AcmeProblem } from './fault.ts'

/** What a CA answers (RFC 8555 section 7.1), as far as it is read. */

/** RFC 8555 section 6.1: an ACME server is reached by HTTPS, and by nothing else. */
const url = z.string().refine(text => text.startsWith('https://') && URL.canParse(text))

const problem = z.object({ type: z.string().optional(), detail: z.string().optional() })

export const directory = z.object({ newNonce: url, newAccount: url, newOrder: url })
export type Directory = z.output<typeof directory>

export const order = z.object({
  status: z.enum(['pending', 'ready', 'processing', 'valid', 'invalid']),
  authorizations: z.array(url).min(1).max(10),
  finalize: url,
  certificate: url.optional(),
  error: problem.optional(),
})
export type Order = z.output<typeof order>

export const authorization = z.object({
  status: z.enum(['pending', 'valid', 'invalid', 'deactivated', 'expired', 'revoked']),
  identifier: z.object({ type: z.string(), value: z.string() }),
  challenges: z.array(
    z.object({
      type: z.string(),
      url,
      // RFC 8555 section 8.3: base64url, which goes into a path as it is.
      token: z
        .string()
        .regex(/^[A-Za-z0-9_-]{16,256}$/)
        .optional(),
      error: problem.optional(),
    }),
  ),
})
export type Authorization = z.output<typeof authorization>

export function readProblem(body: Buffer): AcmeProblem | undefined {
  return problem.safeParse(parseJson(body)).data
}

export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined
  }
}
