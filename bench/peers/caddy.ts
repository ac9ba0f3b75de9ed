import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram, programVersion } from '../processes.ts'
import type { Peer, Site } from './peer.ts'

function config(site: Site): string {
  return `{
  admin off
  auto_https off
}
http://127.0.0.1:${site.port} {
  log {
    output file ${join(site.folder, 'access.log')}
  }
  reverse_proxy 127.0.0.1:${site.upstream} {
    transport http {
      keepalive_idle_conns_per_host 64
    }
  }
}
`
}

export const caddy: Peer = {
  name: 'caddy',
  title: 'Caddy, plain proxy',
  checks: false,
  note: 'checks nothing: what a proxy alone costs in Go, GOMAXPROCS=1',
  sitsOut: { tls: 'plain HTTP alone', mutual: 'plain HTTP alone' },
  version: () => programVersion('caddy', 'version'),
  command(site) {
    const file = join(site.folder, 'Caddyfile')
    writeFileSync(file, config(site))
    return {
      program: findProgram('caddy') ?? 'caddy',
      args: ['run', '--config', file, '--adapter', 'caddyfile'],
      env: { GOMAXPROCS: '1', HOME: site.folder, XDG_DATA_HOME: site.folder, XDG_CONFIG_HOME: site.folder },
    }
  },
}
