import { hostname } from 'node:os'
import type { AdminConfig, GatewayConfig } from '../../config/model.ts'
import type { Clock } from '../../core/clock.ts'
import type { Timing } from '../../forward/timing.ts'
import type { AlertReading } from '../../observe/alert-metrics.ts'
import { Deltas } from '../../observe/alerts/deltas.ts'
import type { AlertMessage, Letterhead } from '../../observe/alerts/message.ts'
import type { Reading } from '../../observe/alerts/rule.ts'
import { AlertWatch } from '../../observe/alerts/watch.ts'
import type { Log } from '../../observe/log.ts'
import type { RouteCounters } from '../../observe/route-counters.ts'
import type { Loading } from '../loading.ts'
import { type Prepared, prepareAll } from './channels.ts'
import { Receiver } from './receiver.ts'

/** Milliseconds between two looks at the counters. */
const LOOK_MS = 1_000

/** What alerts are made of: read at each look, and never on the way of a request. */
export interface AlertSources extends Pick<Reading, 'expiries' | 'breakers'> {
  routes(): Iterable<readonly [route: string, counters: RouteCounters]>
}

export interface AlertsOptions {
  readonly clock: Clock
  readonly timing: Timing
  readonly log: Log
  readonly sources: AlertSources
}

interface Standing {
  readonly receiver: Receiver
  prepared: Prepared
}

/** The alerts of a gate: looks once a second, and tells every receiver. */
export class Alerts {
  readonly #options: AlertsOptions
  readonly #watch = new AlertWatch()
  readonly #deltas = new Deltas()
  #receivers = new Map<string, Standing>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: AlertsOptions) {
    this.#options = options
  }

  /** Opens what a config asks for; nothing changes before `commit`. */
  prepare(config: GatewayConfig, loading: Loading): () => void {
    const { clock, log } = this.#options
    const { alerts } = config
    const letterhead: Letterhead = { host: hostname(), link: alerts?.link ?? linkOf(config.admin) }
    const prepared = alerts ? prepareAll(alerts, letterhead, loading, clock, log) : []
    return () => this.#commit(config, prepared)
  }

  /** What is in force now. */
  reading(): AlertReading {
    const active = new Map<string, number>()
    for (const { rule } of this.#watch.active()) active.set(rule, (active.get(rule) ?? 0) + 1)
    return { receivers: [...this.#receivers.values()].map(({ receiver }) => receiver), active }
  }

  /** Alerts that last. */
  active() {
    return this.#watch.active()
  }

  /** Looks a last time, and gives what waits so many milliseconds to be delivered. */
  async close(ms: number): Promise<void> {
    clearInterval(this.#timer)
    const receivers = [...this.#receivers.values()]
    if (receivers.length > 0) {
      this.#lookSafely()
      const late = new Promise<void>(resolve => setTimeout(resolve, ms).unref())
      await Promise.race([Promise.all(receivers.map(({ receiver }) => receiver.idle())), late])
    }
    for (const { receiver, prepared } of receivers) {
      if (receiver.waiting > 0)
        this.#options.log.error('alerts not delivered', { receiver: receiver.name, count: receiver.waiting })
      receiver.close()
      prepared.retire()
    }
  }

  #commit({ alerts, routes }: GatewayConfig, prepared: readonly Prepared[]): void {
    const { clock, log, timing } = this.#options
    const next = new Map<string, Standing>()
    for (const each of prepared) {
      const before = this.#receivers.get(each.key)
      before?.prepared.retire()
      const standing = before ?? { receiver: new Receiver(each.name, log, timing), prepared: each }
      standing.prepared = each
      standing.receiver.use(each.delivery)
      next.set(each.key, standing)
    }
    const names = new Set(routes.map(({ name }) => name))
    const ended = this.#watch.update(alerts?.rules ?? [], names, clock.now())
    for (const [key, { receiver, prepared: left }] of this.#receivers) {
      if (next.has(key)) continue
      // Whoever was told of a beginning is told of its end.
      for (const message of ended) receiver.push(message)
      void receiver.idle().then(() => {
        receiver.close()
        left.retire()
      })
    }
    this.#receivers = next
    this.#tell(ended)
    // What was counted before there were rules is no news; what was counted since the last look is.
    if (this.#timer === undefined) this.#deltas.take(this.#options.sources.routes())
    clearInterval(this.#timer)
    this.#timer = alerts && setInterval(() => this.#lookSafely(), LOOK_MS).unref()
  }

  /** A fault of a rule must not end the gate. */
  #lookSafely(): void {
    try {
      this.#look()
    } catch (error) {
      this.#options.log.error('fault', { where: 'alerts', error: error instanceof Error ? error.stack : String(error) })
    }
  }

  #look(): void {
    const { clock, sources } = this.#options
    this.#tell(
      this.#watch.look({
        now: clock.now(),
        monotonic: clock.monotonic(),
        moved: this.#deltas.take(sources.routes()),
        expiries: sources.expiries,
        breakers: sources.breakers,
      }),
    )
  }

  #tell(messages: readonly AlertMessage[]): void {
    const { log } = this.#options
    for (const message of messages) {
      const { what, rule, route, alert, evidence, mend } = message
      if (message.phase === 'started') log.warn('alert', { what, rule, route, alert, evidence, remedy: mend })
      else log.info('alert over', { what, rule, route, alert })
      for (const { receiver } of this.#receivers.values()) receiver.push(message)
    }
  }
}

/** The admin listener as operators may reach it; `undefined` where that can't be told. */
function linkOf(admin: AdminConfig | undefined): string | undefined {
  if (admin === undefined || 'unix' in admin.bind || admin.bind.port === 0) return undefined
  const { host, port } = admin.bind
  const anywhere = host === '0.0.0.0' || host === '::'
  const name = admin.names[0] ?? (anywhere ? hostname() : host.includes(':') ? `[${host}]` : host)
  return `http://${name}:${port}/`
}
