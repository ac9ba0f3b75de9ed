import { Histogram, type Registry } from 'prom-client'
import type { Buckets } from './buckets.ts'

/** A histogram of prom-client that is filled only when it is scraped, from buckets kept elsewhere. */
export class Timings extends Histogram<'route' | 'le'> {
  readonly #name: string
  // Gives name, help and type in the form that the registry reads.
  readonly #frame: Histogram
  readonly #series: () => Iterable<readonly [route: string, buckets: Buckets]>

  constructor(
    registry: Registry,
    name: string,
    help: string,
    series: () => Iterable<readonly [route: string, buckets: Buckets]>,
  ) {
    super({ name, help, labelNames: ['route'], registers: [registry] })
    this.#name = name
    this.#frame = new Histogram({ name, help, registers: [] })
    this.#series = series
  }

  override async get() {
    const frame = await this.#frame.get()
    return { ...frame, values: [...this.#series()].flatMap(([route, buckets]) => buckets.samples(this.#name, route)) }
  }

  /** What the registry asks first when it writes text. */
  getForPromString() {
    return this.get()
  }
}
