import { statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { ProxyClientCertConfig } from '../config/model.ts'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../observe/log.ts'
import type { ServerTlsConfig } from '../tls/config.ts'
import { loadServerTls, type ServerTls } from '../tls/server.ts'
import { loadTrustFiles } from '../tls/trust-files.ts'
import type { Acme } from './acme.ts'
import { Carried } from './carried.ts'
import { DEFAULT_FIELD } from './client-cert-header.ts'
import type { Loading } from './loading.ts'

interface Tools {
  /** Of the config. */
  readonly file: string
  readonly clock: Clock
  readonly log: Log
  readonly acme: Acme
}

/** What a listener terminates TLS with. @throws where it can't be had: the config is refused. */
export function loadTls(
  listener: string,
  config: ServerTlsConfig,
  loading: Loading,
  { file, clock, log, acme }: Tools,
): ServerTls {
  const folder = dirname(resolve(file))
  const modeOf = (path: string): number | undefined => statSync(resolve(folder, path), { throwIfNoEntry: false })?.mode
  const tls = loadServerTls(config, path => loading.read(path), {
    modeOf,
    listFolder: path => loading.list(path),
    secretOf: ref => loading.secret(ref).text(),
    now: clock.now(),
    managed: managed => acme.hold(managed, folder, loading.resources(listener)),
  })
  for (const warning of tls.warnings) log.warn('tls', { listener, problem: warning })
  return tls
}

/** The client certificates that a listener's proxies carry. */
export function loadCarried(
  listener: string,
  config: ProxyClientCertConfig,
  loading: Loading,
  { clock, log }: Tools,
): Carried {
  const trust = loadTrustFiles(
    config,
    path => loading.read(path),
    path => loading.list(path),
    clock.now(),
  )
  loading.expiries.push(...trust.expiries)
  for (const problem of trust.problems) log.warn('tls', { listener, problem })
  return new Carried(config.format, config.header?.toLowerCase() ?? DEFAULT_FIELD[config.format], trust)
}
