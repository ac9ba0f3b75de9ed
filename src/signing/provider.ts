import { randomBytes } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import type { Scheme } from './scheme.ts'

/** A service that sends webhooks, and how it authenticates them: one file of `providers/` each. */
export interface Provider {
  /** Kebab case: what stands in the config. */
  readonly id: string
  readonly name: string
  /** The page (or the official code) that this follows. */
  readonly page: string
  /** What is signed and how, one sentence. */
  readonly summary: string
  readonly scheme: Scheme
  readonly secret: SecretForm
  /** The sender's id of the event. */
  readonly eventId?: EventIdPlace
  /** What surprises people. */
  readonly traps: readonly string[]
  /** What the service expects of the answer, where it says so. */
  readonly response?: string
  /** The addresses that it publishes for its webhooks. */
  readonly networks?: { readonly page: string; readonly asOf: string; readonly cidrs: readonly string[] }
  /** Where it publishes the addresses as a list that programs should read anew: for `source-ip`'s `feed`. */
  readonly networkFeed?: { readonly page: string; readonly url: string; readonly select: string }
  /** Content types beyond JSON that it sends: for the config to paste. */
  readonly accept?: readonly string[]
}

/**
 * In a header, or a member of the JSON body. `signed`: a stranger can't change it without breaking the signature.
 * `elsewhere`: the header that holds it in the service's other family of headers. `page`: where it is described, if not
 * on the provider's own.
 */
export type EventIdPlace = (
  | { readonly header: string; readonly elsewhere?: string; readonly signed: boolean }
  | { readonly json: readonly string[] }
) & { readonly page?: string }

/** The secret that the operator copies from the service. */
export interface SecretForm {
  /** What it looks like. */
  readonly looks: string
  /** Where in the service's interface it is found. */
  readonly where: string
  /** Who makes it: the operator, who tells the service; or the service, which shows it. */
  readonly madeBy: 'operator' | 'service'
  /** The key's bytes. @throws SecretFault where it can't be this service's secret. */
  parse(secret: Secret): Buffer
  /** A new one in this form, for services that let the operator choose, and for tests. */
  create(): string
}

/** A secret that is not in the form that its service uses. The message never holds it. */
export class SecretFault extends Error {
  override readonly name = 'SecretFault'
  readonly mend: string
  constructor(message: string, mend: string) {
    super(message)
    this.mend = mend
  }
}

/** A secret that is used as the text that it is. */
export function textSecret(
  looks: string,
  where: string,
  madeBy: SecretForm['madeBy'],
  create: () => string = () => randomBytes(32).toString('hex'),
): SecretForm {
  return { looks, where, madeBy, parse: secret => secret.bytes(), create }
}
