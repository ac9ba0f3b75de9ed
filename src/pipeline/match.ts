import type { Route } from './route.ts'

/**
 * Finds a request's route. Unambiguous by construction, whatever the order in the file: a host of its own comes before
 * any host, an exact path before a prefix, a longer prefix before a shorter one.
 */
export interface RouteEntry {
  readonly route: Route
  readonly host: string | undefined
  /** An exact path, or a prefix that ends with `/`. */
  readonly path: string
  readonly prefix: boolean
}

export type Match =
  | { readonly route: Route }
  | {
      readonly route: undefined /** Methods of the routes at this path; empty where there is none. */
      readonly methods: readonly string[]
    }

interface HostTable {
  readonly exact: Map<string, Route[]>
  readonly prefixes: Map<string, Route[]>
  /** Distinct lengths of the prefixes, longest first: the only ones worth a look-up. */
  lengths: number[]
}

const NONE: Match = { route: undefined, methods: [] }

export class RouteTable {
  readonly entries: readonly RouteEntry[]
  readonly #hosts = new Map<string, HostTable>()
  readonly #any: HostTable = { exact: new Map(), prefixes: new Map(), lengths: [] }

  constructor(entries: readonly RouteEntry[]) {
    this.entries = entries
    for (const { route, host, path, prefix } of entries) {
      let table = this.#any
      if (host !== undefined) {
        table = this.#hosts.get(host) ?? { exact: new Map(), prefixes: new Map(), lengths: [] }
        this.#hosts.set(host, table)
      }
      const map = prefix ? table.prefixes : table.exact
      const routes = map.get(path)
      if (routes) routes.push(route)
      else map.set(path, [route])
    }
    for (const table of [this.#any, ...this.#hosts.values()])
      table.lengths = [...new Set([...table.prefixes.keys()].map(prefix => prefix.length))].sort((a, b) => b - a)
  }

  match(method: string, host: string, path: string): Match {
    const own = this.#hosts.get(host)
    const routes = (own && find(own, path)) ?? find(this.#any, path)
    if (routes === undefined) return NONE
    for (const route of routes) if (route.methods.has(method)) return { route }
    for (const route of routes) if (route.greeter?.greeter.methods.includes(method)) return { route }
    return { route: undefined, methods: [...new Set(routes.flatMap(route => [...route.methods]))] }
  }
}

function find(table: HostTable, path: string): Route[] | undefined {
  const exact = table.exact.get(path)
  if (exact) return exact
  for (const length of table.lengths) {
    // 0x2f is "/": a prefix ends at a segment's border.
    if (length > path.length || path.charCodeAt(length - 1) !== 0x2f) continue
    const routes = table.prefixes.get(path.slice(0, length))
    if (routes) return routes
  }
  return undefined
}
