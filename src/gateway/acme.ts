import type { Clock } from '../core/clock.ts'
import type { Resources } from '../core/resources.ts'
import type { AcmeReading } from '../observe/acme-metrics.ts'
import type { Log } from '../observe/log.ts'
import { Challenges, type Offer } from '../tls/acme/challenges.ts'
import type { AcmeConfig } from '../tls/acme/config.ts'
import type { AcmeIssuer, IssuerSettings } from '../tls/acme/issuer.ts'
import { ManagedName } from '../tls/acme/managed-name.ts'
import { AcmeStore } from '../tls/acme/store.ts'
import { loadClientTls } from '../tls/client.ts'
import type { ManagedCertificates } from '../tls/loaded.ts'
import { Kept } from './kept.ts'

/** Imported when something is to be obtained: most starts find every certificate in the store, or have no use of it. */
class LazyIssuer {
  readonly #settings: IssuerSettings
  #made: Promise<AcmeIssuer> | undefined

  constructor(settings: IssuerSettings) {
    this.#settings = settings
  }

  get(): Promise<AcmeIssuer> {
    this.#made ??= import('../tls/acme/issuer.ts').then(({ AcmeIssuer }) => new AcmeIssuer(this.#settings))
    return this.#made
  }

  close(): void {
    void this.#made?.then(issuer => issuer.close())
  }
}

/** Proofs, certificates and keys: for the threads of this process alone. */
export interface AcmeStanding {
  readonly offers: readonly Offer[]
  /** By the file that keeps it: PEM of the key and the chain. */
  readonly issued: readonly (readonly [file: string, pem: Uint8Array])[]
}

/** Every certificate that the gate obtains over ACME, kept across reloads by its settings. */
export class Acme {
  readonly challenges = new Challenges()
  readonly #follows: boolean
  readonly #clock: Clock
  readonly #log: Log
  readonly #changed: () => void
  readonly #issuers = new Kept<LazyIssuer>(issuer => issuer.close())
  readonly #names = new Kept<ManagedName>(name => name.end())

  /**
   * @param follows it obtains nothing itself: another thread does, for all
   * @param changed a certificate has come; `ManagedCertificates.pairs` gives it from now on
   */
  constructor(clock: Clock, log: Log, changed: () => void, follows = false) {
    this.#follows = follows
    this.#clock = clock
    this.#log = log
    this.#changed = changed
  }

  /**
   * The certificates of one listener; what the store holds is there at once, and nothing is asked of the CA before `sweep`.
   * @param folder of the config, absolute
   * @throws TlsProblem or Offline where the CA's own CA or the binding's key can't be read
   */
  hold(
    config: AcmeConfig,
    folder: string,
    resources: Pick<Resources, 'file' | 'secret' | 'expires'>,
  ): ManagedCertificates {
    const { directory, email, challenge, 'renew-before': renewBefore } = config
    const tls = loadClientTls({ ca: config.ca, 'min-version': 'TLSv1.2' }, resources)
    const eab = config.eab && { kid: config.eab.kid, key: resources.secret(config.eab.key) }
    const store = new AcmeStore(folder, config.store, directory)
    const key = JSON.stringify([directory, store.folder, email, eab?.kid, eab?.key.fingerprint, tls.id])
    const { challenges } = this
    const tools = { clock: this.#clock, log: this.#log, changed: this.#changed }
    const settings = { directory, email, eab, tls, store, challenges, clock: this.#clock }
    const issuer = this.#issuers.get(key, () => new LazyIssuer(settings))
    const obtain = (name: string) => async (ended: AbortSignal) => (await issuer.get()).obtain(name, challenge, ended)
    const names = config.names.map(name =>
      this.#names.get(
        JSON.stringify([key, name, challenge, renewBefore]),
        () => new ManagedName({ name, store, renewBefore, obtain: obtain(name) }, tools),
      ),
    )
    return {
      names: config.names,
      pairs: () => names.flatMap(({ pair }) => pair ?? []),
      challenges: challenge === 'tls-alpn-01' ? challenges : undefined,
    }
  }

  /** Before a config is loaded: what it asks for from now on is in use. */
  begin(): void {
    this.#issuers.begin()
    this.#names.begin()
  }

  /** After a config has taken over: what it left out ends, what is new begins. */
  sweep(): void {
    this.#names.sweep()
    this.#issuers.sweep()
    if (!this.#follows) for (const name of this.#names.values()) name.start()
  }

  /** What other threads need to serve as this one does. */
  get standing(): AcmeStanding {
    const issued = [...this.#names.values()].flatMap(({ file, pair }) => (pair ? [[file, pair.pem] as const] : []))
    return { offers: this.challenges.offers, issued }
  }

  /** Serves as the thread does that obtains certificates. @throws TlsProblem where one can't be served */
  follow({ offers, issued }: AcmeStanding): void {
    this.challenges.replace(offers)
    const pems = new Map(issued)
    for (const name of this.#names.values()) {
      const pem = pems.get(name.file)
      if (pem !== undefined) name.follow(Buffer.from(pem))
    }
  }

  *readings(): Generator<AcmeReading> {
    for (const name of this.#names.values()) yield name.reading()
  }

  close(): void {
    for (const name of this.#names.values()) name.end()
    for (const issuer of this.#issuers.values()) issuer.close()
  }
}
