import type { Clock } from './clock.ts'
import type { Remote, RemoteOptions, RemoteSet, RemoteSetOptions } from './remote.ts'
import type { NamedSecret, Secret, SecretRef } from './secret.ts'
import type { ClaimStore, RateStore } from './stores.ts'

/** Something with an end: shown as a gauge, and warned of before it (`warningSteps`). */
export interface Expiry {
  readonly kind: 'certificate' | 'secret' | 'token' | 'crl' | 'staple'
  /** The operator's name for it: `route/check/name`, or a file. */
  readonly name: string
  /** Epoch milliseconds. */
  readonly at: number
  /** From when on it holds (notBefore, thisUpdate), epoch milliseconds; absent where that is not known: a secret, a token. */
  readonly since?: number
  /** When the gate begins to renew it by itself, epoch milliseconds: it is warned of only once it has ended. */
  readonly renewsAt?: number
}

/** How the route's signature check is configured, for a check that answers by it. */
export interface SignedBy {
  readonly provider: string
  readonly secrets: readonly NamedSecret[]
}

/** What a check may use from the world, handed in so that tests can hand in their own. */
export interface Resources {
  /** The route's name. */
  readonly route: string
  /** `undefined` where no provider's signature is checked. */
  readonly signedBy: SignedBy | undefined
  readonly clock: Clock
  readonly rates: RateStore
  readonly claims: ClaimStore
  /** @throws Offline where it is missing or empty. */
  secret(ref: SecretRef): Secret
  /** Reads a file relative to the config file and watches it: a change reloads the config. @throws Offline */
  file(path: string): Buffer
  /**
   * A document by URL, fetched in the background and kept up to date; `create` does not wait for it, and the start only
   * briefly. @throws Offline where `readRemoteUrl` finds a fault.
   */
  remote<T>(url: string, options: RemoteOptions<T>): Remote<T>
  /** Documents whose URLs requests name, of admitted hosts only. */
  remoteSet<T>(options: RemoteSetOptions<T>): RemoteSet<T>
  /**
   * Keeps a secret that a service handed over in a new file, relative to the config file, which only the gate's user may
   * read. Whether it was kept: `false` where the file is there already. @throws the system's error
   */
  keepSecret(path: string, secret: Secret): boolean
  /** Whether there is such a file. */
  hasKept(path: string): boolean
  /** Tells when something that this check uses ends. */
  expires(what: Expiry): void
}

/** A resource is missing: the route that needs it answers 503 until it's there. Thrown by `create` only. */
export class Offline extends Error {
  override readonly name = 'Offline'
  /** What to do about it. */
  readonly mend: string
  constructor(message: string, mend: string) {
    super(message)
    this.mend = mend
  }
}
