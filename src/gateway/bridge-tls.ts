import type { RouteConfig } from '../config/model.ts'
import type { Resources } from '../core/resources.ts'
import { type ClientTls, type ClientTlsFiles, clientTlsFrom, loadClientTls } from '../tls/client.ts'
import { TlsProblem } from '../tls/problem.ts'

const SYSTEM_TLS = { 'min-version': 'TLSv1.2' } as const

/** What the routes in force speak TLS to their upstreams with, by route and settings; threads can hand it on. */
export type StandingTls = ReadonlyMap<string, ClientTlsFiles>

/** A route whose files do not fit now: it goes on with those that it had. */
export interface KeptTls {
  readonly route: string
  readonly problem: TlsProblem
}

/** How the routes of one config speak TLS to their upstreams. */
export class BridgeTls {
  readonly #before: StandingTls
  readonly standing = new Map<string, ClientTlsFiles>()
  readonly kept: KeptTls[] = []

  /** @param before what is in force until this config is: files that do not fit leave it so */
  constructor(before: StandingTls) {
    this.#before = before
  }

  /**
   * `undefined` where the upstream of a route speaks no TLS.
   * @throws Offline where a file is missing; TlsProblem where one does not fit, and there were none before that did
   */
  load({ name: route, forward }: RouteConfig, resources: Resources): ClientTls | undefined {
    if (!forward.to.startsWith('https:')) return undefined
    if (forward.tls === undefined) return loadClientTls(SYSTEM_TLS, resources)
    const key = JSON.stringify([route, forward.tls])
    let tls: ClientTls
    try {
      tls = loadClientTls(forward.tls, resources)
    } catch (error) {
      // Certificate and key are two files, and whoever replaces them writes one first.
      const files = this.#before.get(key)
      if (files === undefined || !(error instanceof TlsProblem)) throw error
      tls = clientTlsFrom(forward.tls, files, resources)
      this.kept.push({ route, problem: error })
    }
    this.standing.set(key, tls.files)
    return tls
  }
}
