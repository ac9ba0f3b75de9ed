import { createRequire } from 'node:module'
import { join } from 'node:path'
import { FOREIGN_PATH, PATH, SECRET } from '../work.ts'
import { ALLOWED, FOREIGN, type Peer, packageVersion, RATE } from './peer.ts'

const resolver = createRequire(import.meta.url)

function installedVersion(name: string): string | undefined {
  for (const folder of resolver.resolve.paths(name) ?? []) {
    const version = packageVersion(join(folder, name, 'package.json'))
    if (version !== undefined) return version
  }
  return undefined
}

/** A server of `bench/apps/`, started with its settings in the environment. `packages`: what it needs, itself first. */
function nodeApp(
  about: Pick<Peer, 'name' | 'title' | 'note'>,
  file: string,
  packages: readonly string[],
  sitsOut: Peer['sitsOut'],
  proxy?: string,
): Peer {
  return {
    ...about,
    checks: true,
    ...(sitsOut === undefined ? {} : { sitsOut }),
    version() {
      const versions = packages.map(installedVersion)
      return versions.includes(undefined) ? undefined : versions[0]
    },
    command: site => ({
      program: process.execPath,
      args: [join(import.meta.dirname, '../apps', file)],
      env: {
        NODE_ENV: 'production',
        SETTINGS: JSON.stringify({
          port: site.port,
          upstream: site.upstream,
          secret: SECRET,
          cap: site.cap,
          rate: RATE,
          log: join(site.folder, 'access.log'),
          proxy,
          ...(site.tls === undefined ? {} : { tls: { cert: site.tls.cert, key: site.tls.key } }),
          routes: { [PATH]: ALLOWED, [FOREIGN_PATH]: FOREIGN },
        }),
      },
    }),
  }
}

const ONE_RATE = 'has no second rate'
const NO_CLIENTS = 'asks for no client certificate'
const PLAIN_ALONE = { tls: 'plain HTTP alone', mutual: 'plain HTTP alone', limited: ONE_RATE }

export const express = nodeApp(
  { name: 'express', title: 'Express', note: 'with http-proxy-middleware over a keep-alive agent' },
  'express.js',
  ['express', 'http-proxy-middleware', 'http-proxy'],
  PLAIN_ALONE,
)
export const httpProxy = nodeApp(
  { name: 'http-proxy', title: 'Express + http-proxy', note: 'the same application over http-proxy 1.18' },
  'express.js',
  ['express', 'http-proxy-middleware', 'http-proxy'],
  PLAIN_ALONE,
  'http-proxy',
)
export const nodePrototype = nodeApp(
  { name: 'node-prototype', title: 'node:http + undici', note: 'the straightforward gate by hand, nothing tuned' },
  'prototype.ts',
  ['undici'],
  { limited: ONE_RATE, mutual: NO_CLIENTS },
)
