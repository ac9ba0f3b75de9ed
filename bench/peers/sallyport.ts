import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { BODY_CAP, FOREIGN_PATH, PATH, SECRET } from '../work.ts'
import { ALLOWED, FOREIGN, type Peer, packageVersion, RATE, type Site } from './peer.ts'

const PACKAGE = join(import.meta.dirname, '../../package.json')
const PROGRAM = join(import.meta.dirname, '../../bin/sallyport.js')

function route(name: string, path: string, networks: readonly string[], upstream: number): string {
  return `  - name: ${name}
    match: { path: ${path} }
    checks:
      - source-ip: { allow: [${networks.join(', ')}] }
      - rate-limit: { rate: ${RATE}/s, burst: ${RATE}, by: source-ip }
      - body-limit: { max: ${BODY_CAP / 1024}KiB }
      - content-type: { accept: [json] }
      - signature: { provider: github, secrets: [{ env: HOOK_SECRET }] }
    forward:
      to: http://127.0.0.1:${upstream}${path}
      pass-headers: [X-GitHub-Event, X-GitHub-Delivery]
`
}

/** The gate with every check of its peers, its log lines and its metrics on. */
export const sallyport: Peer = {
  name: 'sallyport',
  title: 'Sallyport',
  checks: true,
  note: 'every check, one log line a request, metrics on',
  version: () => (existsSync(PROGRAM) ? packageVersion(PACKAGE) : undefined),
  command(site: Site) {
    const file = join(site.folder, 'gate.yaml')
    writeFileSync(
      file,
      `workers: 1
listeners:
  - name: public
    bind: 127.0.0.1:${site.port}
admin:
  bind: 127.0.0.1:0
routes:
${route('github', PATH, ALLOWED, site.upstream)}${route('foreign', FOREIGN_PATH, FOREIGN, site.upstream)}`,
    )
    return {
      program: process.execPath,
      args: [PROGRAM, 'run', '--config', file],
      env: { HOOK_SECRET: SECRET, NODE_ENV: 'production' },
    }
  },
}
