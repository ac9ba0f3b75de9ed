import { randomBytes } from 'node:crypto'
import type { Secret } from '../core/secret.ts'
import type { PublicKeyForm } from './key-form.ts'
import type { Scheme, Signer } from './scheme.ts'
import type { ProviderSettings } from './settings.ts'

/** Whoever signs requests, as far as signing in its place needs it. */
export interface Signatory {
  /** Kebab case: what stands in the config. */
  readonly id: string
  readonly name: string
  readonly scheme: Signer
  /** What `secrets` of the config are; absent where it has none. */
  readonly secret?: SecretForm
  /** What `keys` of the config are; absent where it has none. Beside `secret`, either may be given, or both. */
  readonly publicKey?: PublicKeyForm
  /** The sender's id of the event. */
  readonly eventId?: EventIdPlace
  /** Content types beyond JSON that it sends: for the config to paste. */
  readonly accept?: readonly string[]
}

/** A service that sends webhooks, and how it authenticates them: one file of `providers/` each. */
export interface Provider extends Signatory {
  /** The page (or the official code) that this follows. */
  readonly page: string
  /** What is signed and how, one sentence. */
  readonly summary: string
  readonly scheme: Scheme
  /** See `withSettings`. */
  readonly settings?: ProviderSettings
  /** What surprises people. */
  readonly traps: readonly string[]
  /** Headers alone that tell what the event is, for the upstream; nobody signs them. */
  readonly passHeaders?: readonly string[]
  /** What the service expects of the answer, where it says so. */
  readonly response?: string
  /** The addresses that it publishes for its webhooks. */
  readonly networks?: { readonly page: string; readonly asOf: string; readonly cidrs: readonly string[] }
  /** Where it publishes the addresses as a list that programs should read anew: for `source-ip`'s `feed`. */
  readonly networkFeed?: { readonly page: string; readonly url: string; readonly select: string }
  /** The largest body that it sends, where it says so. */
  readonly largestBody?: { readonly bytes: number; readonly page: string }
}

/**
 * In a header, a member of the JSON body, or a claim of the signed token, which the scheme itself reads. `signed`: a stranger can't change it without breaking the signature.
 * `elsewhere`: the header that holds it in the service's other family of headers. `page`: where it is described, if not
 * on the provider's own.
 */
export type EventIdPlace = (
  | { readonly header: string; readonly elsewhere?: string; readonly signed: boolean }
  // Default: signed, as the whole body is.
  | { readonly json: readonly string[]; readonly signed?: boolean }
  | { readonly claim: string; readonly signed?: true }
) & { readonly page?: string }

/** A service that offers nothing to verify, and what is to be done about it: one file of `providers/` each as well. */
export interface UnsignedService {
  readonly id: string
  readonly name: string
  readonly page: string
  /** What it offers instead of a signature, one sentence. */
  readonly summary: string
  /**
   * The check that tells its requests from others, and the checks of a route for it, in YAML, an entry each; `bodyChecks`
   * are those that stand behind the checks of the head.
   */
  readonly instead: {
    readonly check: string
    readonly checks: readonly string[]
    readonly bodyChecks?: readonly string[]
  }
  /** As of a provider. */
  readonly passHeaders?: readonly string[]
  /** The body alone does not tell its events apart, so that replay would take two for one. */
  readonly repeats?: true
  readonly traps: readonly string[]
  readonly response?: string
  readonly accept?: readonly string[]
}

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

/** Both ends of one new key: for a secret, the same text. */
export interface Credentials {
  /** What the sender signs with. */
  readonly held: string
  /** What the gate's config is given. */
  readonly given: string
}

/** A new secret, or else a new pair of keys; `undefined` for a service that signs with a key that it publishes. */
export function newCredentials({ secret, publicKey }: Signatory): Credentials | undefined {
  if (secret) {
    const text = secret.create()
    return { held: text, given: text }
  }
  const pair = publicKey?.create()
  return pair && { held: pair.privateKey, given: pair.publicKey }
}

/**
 * What `Scheme.sign` takes, from what an operator holds: the secret, or the private key where public ones verify.
 * @throws SecretFault
 */
export function signerKey({ secret, publicKey }: Signatory, held: Secret): Buffer {
  if (publicKey && (secret === undefined || publicKey.isPrivate?.(held) === true)) return publicKey.parsePrivate(held)
  if (secret) return secret.parse(held)
  throw new SecretFault('this service signs with a key of its own', 'nothing can be signed in its place')
}
