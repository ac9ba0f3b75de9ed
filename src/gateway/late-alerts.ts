import type { GatewayConfig } from '../config/model.ts'
import type { Alerts, AlertsOptions } from './alerts/alerts.ts'
import type { Loading } from './loading.ts'

/** The alerts of a gate, loaded with the first config that has any. */
export class LateAlerts {
  readonly #options: AlertsOptions
  #alerts: Alerts | undefined

  constructor(options: AlertsOptions) {
    this.#options = options
  }

  get loaded(): Alerts | undefined {
    return this.#alerts
  }

  /** Opens what a config asks for, beside what is there; gives what lets it take over. */
  async prepare(config: GatewayConfig, loading: Loading): Promise<() => void> {
    if (config.alerts === undefined && this.#alerts === undefined) return () => undefined
    if (this.#alerts === undefined) {
      const { Alerts } = await import('./alerts/alerts.ts')
      this.#alerts ??= new Alerts(this.#options)
    }
    return this.#alerts.prepare(config, loading)
  }

  async close(ms: number): Promise<void> {
    await this.#alerts?.close(ms)
  }
}
