import { randomBytes, randomUUID } from 'node:crypto'
import { Secret } from '../../src/core/secret.ts'
import { providerOf } from '../../src/signing/index.ts'

export interface Signed {
  readonly url?: string
  readonly contentType?: string
  /** Epoch milliseconds. */
  readonly nowMs?: number
  /** Of the event. */
  readonly id?: string
}

/** A Standard Webhooks secret. */
export const webhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

/** The headers with which a provider sends `body`; Content-Type among them. */
export function signedBy(
  provider: string,
  secret: string,
  body: string | Buffer,
  how: Signed = {},
): Record<string, string> {
  const found = providerOf(provider)
  if (found === undefined) throw new Error(`no provider ${provider}`)
  const contentType = how.contentType ?? 'application/json'
  const headers = found.scheme.sign(found.secret.parse(new Secret(Buffer.from(secret))), {
    method: 'POST',
    url: how.url ?? 'http://localhost/',
    body: Buffer.from(body),
    contentType,
    nowMs: how.nowMs ?? Date.now(),
    id: how.id ?? `msg_${randomUUID()}`,
  })
  return { 'content-type': contentType, ...Object.fromEntries(headers) }
}
