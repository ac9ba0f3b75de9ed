/** The networks that providers document for their webhooks, by provider id. Each follows the page that it names. */
const NETWORKS: ReadonlyMap<string, readonly string[]> = new Map([
  // https://core.telegram.org/bots/webhooks, "The short version"
  ['telegram', ['149.154.160.0/20', '91.108.4.0/22']],
])

/** What the provider documents, as CIDR text; `undefined` where it documents none. */
export function providerNetworks(id: string): readonly string[] | undefined {
  return NETWORKS.get(id)
}

/** The ids that `providerNetworks` knows, in alphabetical order. */
export function providersWithNetworks(): readonly string[] {
  return [...NETWORKS.keys()].sort()
}
