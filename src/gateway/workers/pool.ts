import { createServer } from 'node:net'
import type { ListenerConfig } from '../../config/model.ts'
import type { Clock } from '../../core/clock.ts'
import type { BridgeReading } from '../../observe/bridge-metrics.ts'
import type { WorkersReading } from '../../observe/exposition.ts'
import type { TelemetryReading } from '../../observe/telemetry-metrics.ts'
import { MAIN_SEAT, markAlive, markDead, SEATS, type SharedState } from '../../store/shared-state.ts'
import type { Acme } from '../acme.ts'
import { CannotListen } from '../cannot-listen.ts'
import { ConfigRefused, DRAINING } from '../config-refused.ts'
import type { Front, Opened, PreparedFront } from '../front.ts'
import type { Generation } from '../generation.ts'
import type { Shared } from '../live.ts'
import { countOf } from './count.ts'
import { Inbox, type InboxOptions } from './inbox.ts'
import type { ToPrepare, WorkerBrief } from './messages.ts'
import { Seat, WorkerGone } from './seat.ts'
import { Turns } from './turns.ts'

/** Milliseconds that the requests of a worker have which a config leaves out. */
const LEFT_MS = 30_000
/** Before the place of a worker is taken that ended soon after it began; doubled each time. Milliseconds. */
const FIRST_PAUSE_MS = 100
const LONGEST_PAUSE_MS = 30_000
/** One that has lasted so long did not end of how it began. Milliseconds. */
const LASTED_MS = 60_000
/** Milliseconds that whoever reads the counters waits for what workers have counted. */
const SYNC_MS = 1_000

export interface PoolOptions extends InboxOptions, Pick<WorkerBrief, 'file' | 'env' | 'level' | 'version'> {
  readonly acme: Acme
  readonly sharing: SharedState
  readonly clock: Clock
  readonly fault: Shared['fault']
}

interface InForce extends Omit<ToPrepare, 'ports'> {
  readonly count: number
  readonly listeners: readonly ListenerConfig[]
}

/**
 * Several workers, each with listeners of its own on the same addresses: the kernel shares connections out among them. A
 * config is put in force on all of them or on none. The place of one that ends is taken by another, under the config in
 * force.
 */
export class WorkerPool implements Front {
  readonly #options: PoolOptions
  readonly #inbox: Inbox
  /** By place, from 1 on. */
  readonly #seats = new Map<number, Seat>()
  /** Those that wait for a seat, with the config that is being prepared. */
  #fresh: readonly Seat[] = []
  /** Those that a config has left out, as long as their requests are under way. */
  readonly #leaving = new Set<Seat>()
  /** Where in the shared memory somebody sits. */
  readonly #slots: boolean[] = Array.from({ length: SEATS }, () => false)
  /** What changes who has a seat: one after the other. */
  readonly #turns = new Turns()
  /** Where the system chose. */
  #ports: ReadonlyMap<string, number> = new Map()
  #inForce: InForce | undefined
  #pause = FIRST_PAUSE_MS
  readonly #filling = new Set<NodeJS.Timeout>()
  #ended = 0
  #draining = false

  constructor(options: PoolOptions) {
    this.#options = options
    this.#inbox = new Inbox(options)
    options.acme.challenges.attend(() => this.#tellAcme([...this.#seats.values()]))
    options.feed.attend(on => {
      for (const seat of this.#seats.values()) seat.ask({ ask: 'watch', on }).catch(ignored)
    })
  }

  async prepare(next: Generation): Promise<PreparedFront> {
    try {
      return await this.#prepare(next)
    } catch (error) {
      if (!(error instanceof WorkerGone) || this.#draining) throw error
      // That is no fault of the config: another takes its place.
      return this.#prepare(next)
    }
  }

  async #prepare({ config, text, compiled }: Generation): Promise<PreparedFront> {
    const done = await this.#turns.take()
    const { standing } = compiled
    const count = countOf(config)
    const kept = [...this.#seats.values()].filter(({ brief }) => brief.seat <= count)
    const fresh: Seat[] = []
    this.#fresh = fresh
    const abort = async (): Promise<void> => {
      await Promise.all([...kept.map(seat => seat.ask({ ask: 'abort' }).catch(ignored)), ...fresh.map(s => s.end())])
      done()
    }
    try {
      for (const listener of config.listeners) if (!this.#holds(listener)) await refuseTaken(listener)
      if (this.#draining) throw new ConfigRefused(DRAINING)
      const places = Array.from({ length: count }, (_, index) => index + 1)
      fresh.push(...places.filter(place => !this.#seats.has(place)).map(place => this.#begin(place)))
      const { opened, ports } = await this.#prepareAll([...kept, ...fresh], { text, standing })
      await this.#tellAcme([...kept, ...fresh])
      const commit = async (): Promise<void> => {
        this.#inForce = { text, standing, count, listeners: config.listeners }
        this.#ports = ports
        for (const seat of fresh) this.#seats.set(seat.brief.seat, seat)
        this.#fresh = []
        const left = [...this.#seats.values()].filter(({ brief }) => brief.seat > count)
        for (const { brief } of left) this.#seats.delete(brief.seat)
        this.#options.metrics.setListeners(config.listeners.map(({ name }) => name))
        // One that ends meanwhile is replaced under this config.
        await Promise.all([...this.#seats.values()].map(seat => seat.ask({ ask: 'commit' }).catch(ignored)))
        for (const seat of left) this.#leave(seat)
        done()
        for (const seat of fresh) if (seat.ended) this.#lost(seat, 'it ended as it began')
      }
      return { opened, commit, abort }
    } catch (error) {
      await abort()
      throw error
    }
  }

  renew(): void {
    void this.#tellAcme([...this.#seats.values()])
  }

  port(listener: string): number | undefined {
    return this.#ports.get(listener)
  }

  bridges(): Iterable<BridgeReading> {
    return this.#inbox.bridges()
  }

  telemetry(): TelemetryReading | undefined {
    return this.#inbox.telemetry()
  }

  workers(): WorkersReading {
    return { running: this.#seats.size, ended: this.#ended }
  }

  async sync(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, SYNC_MS)
    })
    const all = [...this.#seats.values()].map(seat => seat.ask({ ask: 'sync' }).catch(ignored))
    await Promise.race([Promise.all(all), late])
    clearTimeout(timer)
  }

  async drain(graceMs: number): Promise<void> {
    this.#draining = true
    for (const timer of this.#filling) clearTimeout(timer)
    const fresh = this.#fresh.map(seat => seat.end())
    const all = [...this.#seats.values(), ...this.#leaving]
    await Promise.all([...fresh, ...all.map(seat => seat.drain(graceMs))])
  }

  #leave(seat: Seat): void {
    this.#leaving.add(seat)
    void seat.drain(LEFT_MS).finally(() => this.#leaving.delete(seat))
  }

  /** The first alone: it learns the ports that the system chooses, and fails where the others would. */
  async #prepareAll([first, ...others]: readonly Seat[], what: Omit<ToPrepare, 'ports'>) {
    if (first === undefined) throw new Error('a gate has at least one worker')
    const opened: readonly Opened[] = await first.prepare({ ...what, ports: this.#ports })
    const ports = new Map(this.#ports)
    for (const { listener, port } of opened) if (port !== undefined) ports.set(listener, port)
    await Promise.all(others.map(seat => seat.prepare({ ...what, ports })))
    return { opened, ports }
  }

  async #tellAcme(seats: readonly Seat[]): Promise<void> {
    const { standing } = this.#options.acme
    await Promise.all(
      seats.map(seat =>
        seat.ask({ ask: 'acme', standing }).catch((error: unknown) => {
          if (!(error instanceof WorkerGone)) this.#options.fault(`worker ${seat.brief.seat}`, error)
        }),
      ),
    )
  }

  #begin(place: number): Seat {
    const { file, env, level, version, feed, sharing: shared, clock } = this.#options
    const slot = this.#slots.indexOf(false, MAIN_SEAT + 1)
    if (slot < 0) throw new ConfigRefused('too many workers are still ending their requests\nmend: try it again later')
    this.#slots[slot] = true
    markAlive(shared, slot)
    const seat: Seat = new Seat(
      { file, env, level, version, seat: place, unix: place === 1, shared, slot },
      news => this.#inbox.take(seat, news),
      cause => {
        markDead(shared, slot, clock)
        this.#slots[slot] = false
        this.#lost(seat, cause)
      },
    )
    if (feed.watchers > 0) seat.ask({ ask: 'watch', on: true }).catch(ignored)
    return seat
  }

  #lost(seat: Seat, cause: string): void {
    this.#inbox.forget(seat)
    const { seat: place } = seat.brief
    if (this.#draining || this.#seats.get(place) !== seat) return
    this.#seats.delete(place)
    this.#ended++
    this.#options.log.error('worker ended', {
      worker: place,
      cause,
      remedy:
        'Another takes its place. This is a fault of the gate, or the machine is out of memory; please report it.',
    })
    if (performance.now() - seat.since > LASTED_MS) this.#pause = FIRST_PAUSE_MS
    // It keeps the process alive: a gate whose workers have all ended goes on.
    const timer = setTimeout(() => {
      this.#filling.delete(timer)
      void this.#fill()
    }, this.#pause)
    this.#filling.add(timer)
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE_MS)
  }

  /** Puts workers where there are none, under the config in force. */
  async #fill(): Promise<void> {
    const done = await this.#turns.take()
    const { text, standing, count } = this.#inForce ?? { text: '', standing: new Map(), count: 0 }
    for (let place = 1; place <= count && !this.#draining; place++) {
      if (this.#seats.has(place)) continue
      const seat = this.#begin(place)
      this.#seats.set(place, seat)
      try {
        await seat.prepare({ text, standing, ports: this.#ports })
        await this.#tellAcme([seat])
        await seat.ask({ ask: 'commit' })
        this.#options.log.info('worker replaced', { worker: place })
      } catch (error) {
        if (this.#draining) break
        const reason = error instanceof Error ? error.message : String(error)
        this.#options.log.error('worker not replaced', {
          worker: place,
          reason,
          remedy: 'The other workers go on, and it is tried again. Mend what the reason names.',
        })
        await seat.end()
      }
    }
    done()
  }

  #holds({ bind }: ListenerConfig): boolean {
    const is = JSON.stringify(bind)
    return this.#inForce?.listeners.some(listener => JSON.stringify(listener.bind) === is) === true
  }
}

function ignored(): void {
  // Whoever asks for a worker that has ended is told by the pool.
}

/** @throws CannotListen where another program has the address: workers would share it with that one, unseen. */
async function refuseTaken({ bind }: ListenerConfig): Promise<void> {
  if ('unix' in bind || bind.port === 0) return
  const probe = createServer()
  await new Promise<void>((resolve, reject) => {
    probe.once('error', error => reject(CannotListen.of(error, bind)))
    probe.listen({ host: bind.host, port: bind.port, exclusive: true }, resolve)
  })
  await new Promise(resolve => probe.close(resolve))
}
