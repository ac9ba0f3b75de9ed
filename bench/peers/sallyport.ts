import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from '../processes.ts'
import { CLIENT_NAME } from '../tls-files.ts'
import { FOREIGN_PATH, LIMITED_PATH, PATH, SECRET } from '../work.ts'
import { ALLOWED, FOREIGN, type Peer, packageVersion, RATE, type Site, SLOW_PER_MINUTE } from './peer.ts'

const PACKAGE = join(import.meta.dirname, '../../package.json')
const PROGRAM = join(import.meta.dirname, '../../bin/sallyport.js')

const PLENTY = `{ rate: ${RATE}/s, burst: ${RATE}, by: source-ip }`

function route(site: Site, name: string, path: string, networks: readonly string[], limit = PLENTY): string {
  const certificate =
    site.tls?.client === undefined ? '' : `      - client-cert: { allow: [{ dns: ${CLIENT_NAME} }] }\n`
  return `  - name: ${name}
    match: { path: ${path} }
    checks:
      - source-ip: { allow: [${networks.join(', ')}] }
      - rate-limit: ${limit}
${certificate}      - body-limit: { max: ${site.cap / 1024}KiB }
      - content-type: { accept: [json] }
      - signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }
    forward:
      to: http://127.0.0.1:${site.upstream}${path}
      pass-headers: [X-GitHub-Event, X-GitHub-Delivery]
`
}

/**
 * The lines of a config above its routes.
 * @param limits of the listener, beside those that the bench's idle connections need
 */
export function head(site: Site, limits = '', workers = 1): string {
  const ca = site.tls?.client === undefined ? '' : `, client-ca: ${site.tls.ca}`
  const tls = site.tls && `{ certificates: [{ cert: ${site.tls.cert}, key: ${site.tls.key} }]${ca} }`
  return `workers: ${workers}
listeners:
  - name: public
    bind: 127.0.0.1:${site.port}
    limits: { connections: 12000${limits} }
${tls ? `    tls: ${tls}\n` : ''}admin:
  bind: 127.0.0.1:0
routes:
`
}

/** How the gate is run on a config. @param secrets by the names of their variables, beside HOOK_SECRET */
export function gate(site: Site, config: string, secrets: Readonly<Record<string, string>> = {}): Command {
  const file = join(site.folder, 'gate.yaml')
  writeFileSync(file, config)
  return {
    program: process.execPath,
    args: [PROGRAM, 'run', '--config', file],
    env: { HOOK_SECRET: SECRET, ...secrets, NODE_ENV: 'production' },
  }
}

export const gateVersion = (): string | undefined => (existsSync(PROGRAM) ? packageVersion(PACKAGE) : undefined)

/** The routes of the bench with every check of its peers. */
export function config(site: Site, workers = 1): string {
  return (
    head(site, '', workers) +
    route(site, 'github', PATH, ALLOWED) +
    route(site, 'foreign', FOREIGN_PATH, FOREIGN) +
    route(site, 'limited', LIMITED_PATH, ALLOWED, `{ rate: ${SLOW_PER_MINUTE}/min, burst: 1, by: source-ip }`)
  )
}

/** The gate with every check of its peers, its log lines and its metrics on. */
export const sallyport: Peer = {
  name: 'sallyport',
  title: 'Sallyport',
  checks: true,
  note: 'every check, one log line a request, metrics on',
  version: gateVersion,
  command: site => gate(site, config(site)),
}
