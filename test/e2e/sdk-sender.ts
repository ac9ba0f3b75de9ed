import { Secret } from '../../src/core/secret.ts'
import { providerOf } from '../../src/signing/index.ts'
import { type Credentials, type Provider, signerKey } from '../../src/signing/provider.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { credentials } from '../support/signed.ts'

export type Fields = Readonly<Record<string, string>>

/** What a service is about to send. */
export interface Event {
  readonly id: string
  /** Epoch milliseconds. */
  readonly nowMs: number
  /** Whole, as the service was given it. */
  readonly url: string
  readonly body: string
}

export type Delivery = Event & { readonly headers: Fields }

/** A service, and its official library as the other side of what this project computes. */
export interface Sender {
  /** Kebab case, one of its own. */
  readonly name: string
  /** The check's settings in YAML; `KEY` is the variable that holds what the gate is given. */
  readonly signature: string
  makeKeys(): Credentials
  /** Default: `application/json`. */
  readonly contentType?: string
  /** Default: JSON that would not survive being parsed and written again. */
  readonly body?: (id: string) => string
  /** What the upstream gets in place of the sender's own bytes. */
  readonly arrives?: (delivery: Delivery) => unknown
  /** Of a service that signs the URL. */
  readonly query?: (body: string) => string
  /** How far the signed time may lie off, in milliseconds; absent where none is signed. */
  readonly window?: { readonly past: number; readonly ahead: number }
  /** The fields that the library signs with; absent where it makes none. */
  readonly sign?: (event: Event, held: string) => Fields | Promise<Fields>
  /** The body into which the library writes its signature, in place of fields. */
  readonly seal?: (event: Event, held: string) => string
  /** As `sign` and `seal`, by this project. */
  readonly signOurselves?: (event: Event, held: string) => Delivery
  /** The places of the body that are signed, in bytes; default: all of them. */
  readonly signed?: (body: string) => readonly number[]
  /** What the library says of a delivery; a throw is a refusal. Absent where it only signs. */
  readonly verify?: (delivery: Delivery, given: string) => unknown
}

const FIVE_MINUTES = 300_000
export const fiveMinutes = { past: FIVE_MINUTES, ahead: FIVE_MINUTES }
export const JSON_TYPE = 'application/json'
export const seconds = (nowMs: number): number => Math.floor(nowMs / 1000)

function found(id: string): Provider {
  const provider = providerOf(id)
  if (provider === undefined) throw new Error(`no provider ${id}`)
  return provider
}

/** What a provider of this project brings to its row. */
export function ofProvider(id: string, contentType = JSON_TYPE) {
  const provider = found(id)
  return {
    signature: `{ provider: ${id}, ${provider.secret ? 'secrets' : 'keys'}: [{ env: KEY }] }`,
    makeKeys: () => credentials(provider),
    contentType,
    signOurselves(event: Event, held: string): Delivery {
      const key = signerKey(provider, new Secret(Buffer.from(held)))
      const message = { ...event, method: 'POST', body: Buffer.from(event.body), contentType }
      const { url, body, headers } = signMessage(provider.scheme, key, message)
      return { ...event, url, body: body.toString(), headers: Object.fromEntries(headers) }
    },
  }
}
