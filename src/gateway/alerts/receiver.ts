import type { Timing } from '../../forward/timing.ts'
import type { AlertCounts } from '../../observe/alert-metrics.ts'
import type { AlertMessage } from '../../observe/alerts/message.ts'
import type { Log } from '../../observe/log.ts'

/** How an attempt to deliver a message ended. */
export type Sent =
  | { readonly ok: true }
  | {
      readonly ok: false
      /** Whether the same message may be taken later. */
      readonly again: boolean
      /** Milliseconds that the receiver wants to be left alone for. */
      readonly afterMs?: number | undefined
      /** What it answered; it holds no secret. */
      readonly said: string
      readonly mend: string
    }

/** How messages are delivered, once each. */
export interface Delivery {
  /** How many of those that wait go into the next sending: one at least. */
  fitting(waiting: readonly AlertMessage[]): number
  send(messages: readonly AlertMessage[]): Promise<Sent>
}

/** Messages that wait for one receiver; the oldest gives way to one more. */
const MOST = 100
const FIRST_MS = 1_000
const LONGEST_MS = 300_000
/** A message that nobody took for so long is given up. Milliseconds. */
const PATIENCE_MS = 86_400_000

interface Waiting {
  readonly message: AlertMessage
  /** Milliseconds of `timing.monotonic`. */
  readonly since: number
  attempts: number
}

/**
 * Delivers messages to one receiver, in their order and at least once: what is not taken is sent again, later and later.
 * It outlives a reload, with what waits.
 */
export class Receiver {
  readonly name: string
  readonly counts: AlertCounts = { delivered: 0, retried: 0, failed: 0, dropped: 0 }
  readonly #log: Log
  readonly #timing: Timing
  readonly #queue: Waiting[] = []
  #delivery: Delivery | undefined
  #working = false
  #closed = false
  /** Ends the wait before the next attempt. */
  #wake: (() => void) | undefined
  #emptied: (() => void)[] = []

  constructor(name: string, log: Log, timing: Timing) {
    this.name = name
    this.#log = log
    this.#timing = timing
  }

  get waiting(): number {
    return this.#queue.length
  }

  /** @param delivery `undefined` where a secret is missing: messages wait. */
  use(delivery: Delivery | undefined): void {
    this.#delivery = delivery
    this.#wake?.()
    void this.#work()
  }

  push(message: AlertMessage): void {
    if (this.#queue.length >= MOST) {
      // The first may be under way; a second copy of it does no harm, and keeping it would hold the others up.
      const lost = this.#queue.splice(this.#working ? 1 : 0, 1)[0]
      this.counts.dropped++
      this.#log.error('alert dropped', {
        receiver: this.name,
        alert: lost?.message.what,
        reason: `${MOST} messages wait for this receiver`,
        remedy: 'See the lines "alert not delivered" for why it takes none.',
      })
    }
    this.#queue.push({ message, since: this.#timing.monotonic(), attempts: 0 })
    void this.#work()
  }

  /** Tries at once what would be sent again later. Resolves once nothing waits; at once where nothing can be delivered. */
  idle(): Promise<void> {
    if (this.#queue.length === 0 || this.#delivery === undefined) return Promise.resolve()
    this.#wake?.()
    return new Promise(resolve => this.#emptied.push(resolve))
  }

  close(): void {
    this.#closed = true
    this.#wake?.()
    this.#tellEmpty()
  }

  async #work(): Promise<void> {
    if (this.#working) return
    this.#working = true
    while (this.#queue.length > 0 && !this.#closed && this.#delivery !== undefined) {
      const batch = this.#queue.slice(0, this.#delivery.fitting(this.#queue.map(({ message }) => message)))
      const sent = await this.#send(this.#delivery, batch)
      for (const each of batch) each.attempts++
      const pause = sent.ok ? this.#delivered(batch) : this.#refused(batch, sent)
      if (pause === undefined) for (const each of batch) this.#remove(each)
      else await this.#wait(pause)
    }
    this.#working = false
    if (this.#queue.length === 0) this.#tellEmpty()
  }

  #remove(message: Waiting): void {
    const at = this.#queue.indexOf(message)
    if (at >= 0) this.#queue.splice(at, 1)
  }

  async #send(delivery: Delivery, batch: readonly Waiting[]): Promise<Sent> {
    try {
      return await delivery.send(batch.map(({ message }) => message))
    } catch (error) {
      return { ok: false, again: false, said: String(error), mend: 'This is a fault of the gate. Please report it.' }
    }
  }

  #delivered(batch: readonly Waiting[]): undefined {
    this.counts.delivered += batch.length
  }

  /** Milliseconds until the next attempt; `undefined` where there is none. */
  #refused(batch: readonly Waiting[], sent: Sent & { readonly ok: false }): number | undefined {
    const attempts = Math.max(...batch.map(each => each.attempts))
    const late = batch.some(({ since }) => this.#timing.monotonic() - since >= PATIENCE_MS)
    const alerts = batch.map(({ message }) => message.what)
    const fields = { receiver: this.name, alerts, attempts, said: sent.said, remedy: sent.mend }
    if (!sent.again || late) {
      this.counts.failed += batch.length
      this.#log.error('alert not delivered', { ...fields, outcome: late ? 'given up after a day' : 'given up' })
      return undefined
    }
    this.counts.retried++
    if (attempts === 1) this.#log.warn('alert not delivered', { ...fields, outcome: 'sent again until it is taken' })
    // Spread, so that several gates do not come back at once.
    const backoff = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20)) * (0.8 + Math.random() * 0.4)
    return Math.max(backoff, sent.afterMs ?? 0)
  }

  async #wait(ms: number): Promise<void> {
    const until = this.#timing.monotonic() + ms
    for (;;) {
      const left = until - this.#timing.monotonic()
      if (left <= 0 || this.#closed) return
      const woken = await new Promise<boolean>(resolve => {
        const cancel = this.#timing.after(left, () => resolve(false))
        this.#wake = () => {
          cancel()
          resolve(true)
        }
      })
      this.#wake = undefined
      if (woken) return
    }
  }

  #tellEmpty(): void {
    for (const tell of this.#emptied.splice(0)) tell()
  }
}
