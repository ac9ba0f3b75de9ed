/** Finds what serves a TLS server name (RFC 6066 section 3): an exact name, then a wildcard of its parent. */
export class ServerNames<T> {
  readonly #exact = new Map<string, T>()
  readonly #wildcard = new Map<string, T>()

  /** Names that were added before keep what they have. `*.example.com` stands for one label (RFC 9525 section 6.3). */
  add(names: readonly string[], value: T): void {
    for (const name of names) {
      const [map, key] = name.startsWith('*.') ? [this.#wildcard, name.slice(2)] : [this.#exact, name]
      if (!map.has(key)) map.set(key, value)
    }
  }

  /** `undefined` where no name covers it: empty, an address, not ASCII or unknown. */
  find(serverName: string): T | undefined {
    const lower = serverName.toLowerCase()
    const name = lower.endsWith('.') ? lower.slice(0, -1) : lower
    const exact = this.#exact.get(name)
    if (exact !== undefined) return exact
    const dot = name.indexOf('.')
    return dot < 1 ? undefined : this.#wildcard.get(name.slice(dot + 1))
  }
}
