import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ask } from './client.ts'
import { makeCertificates, tempFolder } from './gate.ts'
import { freePort } from './ports.ts'

/** Whether Debian's package `pebble` is here: the CA, and the DNS server that comes with it. */
export function hasPebble(): Promise<boolean> {
  const found = (name: string) =>
    new Promise<boolean>(resolve => execFile('which', [name], error => resolve(error === null)))
  return Promise.all(['pebble', 'pebble-challtestsrv'].map(found)).then(all => all.every(Boolean))
}

export interface PebbleOptions {
  /** Where it looks for proofs. */
  readonly httpPort: number
  readonly tlsPort: number
  /** Of the directory. Default: a free one. */
  readonly port?: number
  /** Seconds that a certificate lives. */
  readonly validity?: number
  readonly blocked?: readonly string[]
  /** MAC keys, base64url, by their identifiers; where there are any, accounts need one. */
  readonly eab?: Readonly<Record<string, string>>
}

/** The test CA of Let's Encrypt: every name leads to 127.0.0.1, and one nonce in twenty is refused. */
export interface Pebble {
  readonly directory: string
  readonly port: number
  /** PEM file of what its own server chains to. */
  readonly ca: string
  /** PEM of the root that it issues under; another one after each start. */
  root(): Promise<string>
  /** How often the log has a line with this text. */
  logged(text: string): number
  /** Lets a name lead elsewhere. */
  point(name: string, address: string): Promise<void>
  close(): Promise<void>
}

export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const folder = tempFolder()
  await makeCertificates(join(folder, 'certs'))
  const [api, management, dns, names] = await Promise.all([
    options.port ?? freePort(),
    freePort(),
    freePort(),
    freePort(),
  ])
  const ca = join(folder, 'certs/ca.crt')
  const config = {
    listenAddress: `127.0.0.1:${api}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(folder, 'certs/server.crt'),
    privateKey: join(folder, 'certs/server.key'),
    httpPort: options.httpPort,
    tlsPort: options.tlsPort,
    ocspResponderURL: '',
    externalAccountBindingRequired: options.eab !== undefined,
    externalAccountMACKeys: options.eab ?? {},
    domainBlocklist: options.blocked ?? [],
    ...(options.validity === undefined ? {} : { certificateValidityPeriod: options.validity }),
  }
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble: config }))
  const resolver = spawn('pebble-challtestsrv', [
    ...['-dns01', `127.0.0.1:${dns}`, '-management', `127.0.0.1:${names}`, '-defaultIPv4', '127.0.0.1'],
    ...['-defaultIPv6', '', '-http01', '', '-https01', '', '-tlsalpn01', ''],
  ])
  const server = spawn('pebble', ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${dns}`], {
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1' },
  })
  let log = ''
  for (const child of [server, resolver])
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text
      })
  const tls = { ca: readFileSync(ca) }
  await answers(
    () => ask({ port: api, path: '/dir', method: 'GET', tls }),
    () => log,
  )
  await answers(
    () => ask({ port: names, path: '/add-a', body: pointing('none.example', '127.0.0.9') }),
    () => log,
  )
  return {
    directory: `https://localhost:${api}/dir`,
    port: api,
    ca,
    root: async () => (await ask({ port: management, path: '/roots/0', method: 'GET', tls })).body,
    logged: text => log.split(text).length - 1,
    async point(name, address) {
      await ask({ port: names, path: '/add-a', body: pointing(name, address) })
    },
    async close() {
      await Promise.all([ended(server), ended(resolver)])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const pointing = (name: string, address: string) => JSON.stringify({ host: `${name}.`, addresses: [address] })

async function answers(question: () => Promise<unknown>, log: () => string): Promise<void> {
  for (let left = 500; ; left--) {
    try {
      await question()
      return
    } catch (error) {
      if (left === 0) throw new Error(`pebble does not answer: ${log()}`, { cause: error })
      await new Promise(resolve => setTimeout(resolve, 20))
    }
  }
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    if (child.exitCode !== null || child.signalCode !== null) resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
