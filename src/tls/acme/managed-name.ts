import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { AcmeReading } from '../../observe/acme-metrics.ts'
import type { Log } from '../../observe/log.ts'
import { type KeyPair, loadKeyPair } from '../key-pair.ts'
import { TlsProblem } from '../problem.ts'
import { isoDate } from '../trust.ts'
import { AcmeFault } from './fault.ts'
import { dueAt, retryIn } from './schedule.ts'
import type { AcmeStore } from './store.ts'

export interface ManagedSettings {
  readonly name: string
  readonly store: AcmeStore
  /** Milliseconds. */
  readonly renewBefore: number | undefined
  /** Gives PEM: the key, then the chain. @throws AcmeFault */
  readonly obtain: (ended: AbortSignal) => Promise<string>
}

/** A certificate that a CA has issued. */
export interface Issued extends KeyPair {
  /** The key, then the chain. */
  readonly pem: Buffer
}

export interface ManagedTools {
  readonly clock: Clock
  readonly log: Pick<Log, 'info' | 'warn' | 'error'>
  /** Another certificate is in force. */
  readonly changed: () => void
}

/** Clocks are set and machines sleep: the time is looked at again at least this often. Milliseconds. */
const LONGEST_SLEEP = 12 * 3_600_000

/** One name's certificate: read from the store, obtained where it is not there, renewed before it ends. */
export class ManagedName {
  readonly name: string
  readonly #settings: ManagedSettings
  readonly #tools: ManagedTools
  readonly #ended = new AbortController()
  readonly #counts = { obtained: 0, failed: 0 }
  #pair: Issued | undefined
  /** Epoch milliseconds. */
  #nextAt = 0
  #failures = 0
  /** From 0 to 1, for as long as this lives: a certificate that is due stays due. */
  readonly #chance = Math.random()
  #timer: NodeJS.Timeout | undefined

  constructor(settings: ManagedSettings, tools: ManagedTools) {
    this.name = settings.name
    this.#settings = settings
    this.#tools = tools
    this.#pair = this.#stored()
    if (this.#pair !== undefined) this.#nextAt = this.#dueAt(this.#pair)
  }

  /** `undefined` until there is one. */
  get pair(): Issued | undefined {
    return this.#pair
  }

  /** What this is the certificate of: one store's file. */
  get file(): string {
    const { store, name } = this.#settings
    return join(store.folder, name)
  }

  /** Takes what another has obtained for the same file. @throws TlsProblem where it can't be served */
  follow(pem: Buffer): void {
    if (this.#pair?.pem.equals(pem) !== true) this.#take(this.#accept(pem))
  }

  reading(): AcmeReading {
    return { name: this.name, ...this.#counts, held: this.#pair !== undefined }
  }

  /** Begins to keep it up to date. More than once is as good as once. */
  start(): void {
    if (this.#timer === undefined && !this.#ended.signal.aborted) this.#wait()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#ended.abort()
  }

  #wait(): void {
    const wait = Math.min(Math.max(0, this.#nextAt - this.#tools.clock.now()), LONGEST_SLEEP)
    this.#timer = setTimeout(() => void this.#wake(), wait).unref()
  }

  async #wake(): Promise<void> {
    if (this.#tools.clock.now() >= this.#nextAt) await this.#attempt()
    if (!this.#ended.signal.aborted) this.#wait()
  }

  async #attempt(): Promise<void> {
    const { clock, log } = this.#tools
    const { name, store, obtain } = this.#settings
    try {
      // Another gate with the same store may have been here first.
      const stored = this.#stored()
      if (stored !== undefined && this.#dueAt(stored) > clock.now()) {
        this.#take(stored)
        return
      }
      const pem = await obtain(this.#ended.signal)
      const pair = this.#accept(Buffer.from(pem, 'latin1'))
      this.#take(pair)
      this.#counts.obtained++
      log.info('certificate obtained', {
        name,
        file: store.shown(name),
        until: isoDate(pair.leaf.notAfter),
        'renews-at': isoDate(this.#nextAt),
      })
      this.#keep(pem)
      if (this.#nextAt <= clock.now())
        throw new AcmeFault('the CA issued a certificate that is due already', "look at this machine's clock")
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#failed(error)
    }
  }

  /** A certificate that can't be kept is served all the same: another order would not mend the folder. */
  #keep(pem: string): void {
    const { name, store } = this.#settings
    try {
      store.writeCertificate(name, pem)
    } catch (error) {
      this.#tools.log.error('certificate not kept', {
        name,
        reason: error instanceof Error ? error.message : String(error),
        'in-force': 'the certificate that was obtained, until the gate ends',
        remedy: error instanceof AcmeFault ? error.mend : 'This is a fault of the gate; please report it.',
      })
    }
  }

  /** Takes a certificate over; the callback may not throw. */
  #take(pair: Issued): void {
    this.#failures = 0
    this.#pair = pair
    this.#nextAt = this.#dueAt(pair)
    this.#tools.changed()
  }

  #failed(error: unknown): void {
    const { clock, log } = this.#tools
    this.#failures++
    this.#counts.failed++
    const asked = error instanceof AcmeFault ? error.retryAfter : undefined
    const now = clock.now()
    const inForce = this.#pair && { life: this.#pair.leaf, now }
    this.#nextAt = now + retryIn(this.#failures, asked, Math.random(), inForce)
    const explained = error instanceof AcmeFault || error instanceof TlsProblem
    log.error('certificate not obtained', {
      name: this.name,
      reason: error instanceof Error ? error.message : String(error),
      failures: this.#failures,
      'in-force':
        this.#pair === undefined
          ? 'none: TLS handshakes for the name fail'
          : `the one that ends at ${isoDate(this.#pair.leaf.notAfter)}`,
      'next-attempt': isoDate(this.#nextAt),
      remedy: explained ? error.mend : 'This is a fault of the gate; please report it.',
    })
  }

  /** What the store holds, where it can be served; why not is told. */
  #stored(): Issued | undefined {
    const { store, name } = this.#settings
    try {
      const pem = store.readCertificate(name)
      return pem && this.#accept(pem)
    } catch (error) {
      const explained = error instanceof AcmeFault || error instanceof TlsProblem
      this.#tools.log.warn('tls', {
        problem: `${store.shown(name)} is left out: ${error instanceof Error ? error.message : String(error)}`,
        ...(explained ? { remedy: error.mend } : {}),
      })
      return undefined
    }
  }

  /** @throws TlsProblem where it is no chain with its key, or not for this name */
  #accept(pem: Buffer): Issued {
    const { store, name } = this.#settings
    const path = store.shown(name)
    const pair = loadKeyPair(
      { cert: path, key: path },
      {
        readFile: () => pem,
        modeOf: () => store.modeOf(name),
        secretOf: () => '',
        now: this.#tools.clock.now(),
      },
    )
    const { names, notAfter, notBefore } = pair.leaf
    if (!names.dns.includes(name) || notAfter <= notBefore)
      throw new TlsProblem(
        `${path} is for ${names.dns.slice(0, 3).join(', ') || 'no DNS name'}, and not for ${name}`,
        'nothing: another is obtained',
      )
    const renewsAt = this.#dueAt(pair)
    return { ...pair, pem, expiries: pair.expiries.map(each => ({ ...each, renewsAt })) }
  }

  #dueAt(pair: KeyPair): number {
    return dueAt(pair.leaf, this.#settings.renewBefore, this.#chance)
  }
}
