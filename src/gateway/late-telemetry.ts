import type { GatewayConfig } from '../config/model.ts'
import type { Loading } from './loading.ts'
import type { PreparedTelemetry, Telemetry, TelemetryOptions } from './telemetry/telemetry.ts'

/** The telemetry of a gate, loaded with the first config that has any. */
export class LateTelemetry {
  readonly #options: TelemetryOptions
  #telemetry: Telemetry | undefined

  constructor(options: TelemetryOptions) {
    this.#options = options
  }

  get loaded(): Telemetry | undefined {
    return this.#telemetry
  }

  /** Opens what a config asks for, beside what is there. */
  async prepare(config: GatewayConfig, loading: Loading): Promise<PreparedTelemetry> {
    if (config.telemetry === undefined && this.#telemetry === undefined) return NONE
    if (this.#telemetry === undefined) {
      const { Telemetry } = await import('./telemetry/telemetry.ts')
      this.#telemetry ??= new Telemetry(this.#options)
    }
    return this.#telemetry.prepare(config, loading)
  }

  async close(ms: number): Promise<void> {
    await this.#telemetry?.close(ms)
  }
}

const NONE: PreparedTelemetry = { tracing: undefined, commit: () => undefined }
