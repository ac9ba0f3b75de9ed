import { randomBytes, randomUUID } from 'node:crypto'
import { Secret } from '../../src/core/secret.ts'
import { providerOf, providers } from '../../src/signing/index.ts'
import { type Credentials, newCredentials, type Provider, signerKey } from '../../src/signing/provider.ts'
import { signMessage } from '../../src/signing/scheme.ts'

export interface Signed {
  readonly url?: string
  readonly contentType?: string
  /** Epoch milliseconds. */
  readonly nowMs?: number
  /** Of the event. */
  readonly id?: string
}

/** Those whose secret or key is in the config; the others sign with a key that they publish. */
export const keyed: readonly Provider[] = providers.filter(({ secret, publicKey }) => secret ?? publicKey)

/** Both ends of a new key of a provider that has secrets or keys. */
export function credentials(provider: Provider): Credentials {
  const made = newCredentials(provider)
  if (made === undefined) throw new Error(`${provider.id} has no secret and no key`)
  return made
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
  const { headers } = signMessage(found.scheme, signerKey(found, new Secret(Buffer.from(secret))), {
    method: 'POST',
    url: how.url ?? 'http://localhost/',
    body: Buffer.from(body),
    contentType,
    nowMs: how.nowMs ?? Date.now(),
    id: how.id ?? `msg_${randomUUID()}`,
  })
  return { 'content-type': contentType, ...Object.fromEntries(headers) }
}
