import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { startNginx } from '../support/nginx.ts'
import { freePort } from '../support/ports.ts'
import { startSServer } from '../support/s-server.ts'
import { startUpstream } from '../support/upstream.ts'
import { type Crafted, craft, DAY, SERVER_AUTH } from '../tls/craft.ts'
import { complaints } from './doctored.ts'
import type { Entry } from './entry.ts'

export const ENV = { GITHUB: 'a-secret-of-the-catalogue', KB: 'a-token-of-the-catalogue' }
export const LONG = { notAfter: Date.now() + 200 * DAY }

/** What stands in front of the gate, each on a port of its own. */
class Fronts {
  readonly folder: string
  readonly #closers: (() => Promise<void>)[] = []
  #made = 0

  constructor(folder: string) {
    this.folder = folder
  }

  /** Writes the certificates that are served, the leaf first, and its key. */
  files(chain: readonly Crafted[], key = chain[0]?.key): { readonly cert: string; readonly key: string } {
    const name = join(this.folder, `front-${this.#made++}`)
    writeFileSync(`${name}.pem`, chain.map(({ certificate }) => certificate).join('\n'))
    writeFileSync(`${name}.key`, key ?? '')
    return { cert: `${name}.pem`, key: `${name}.key` }
  }

  async nginx(chain: readonly Crafted[], rest: string): Promise<number> {
    const port = await freePort()
    const { cert, key } = this.files(chain)
    const tls = `ssl_certificate ${cert}; ssl_certificate_key ${key};`
    this.#keep(await startNginx(`server { listen 127.0.0.1:${port} ssl; ${tls} ${rest} }`, port))
    return port
  }

  async plainNginx(rest: string): Promise<number> {
    const port = await freePort()
    this.#keep(await startNginx(`server { listen 127.0.0.1:${port}; ${rest} }`, port))
    return port
  }

  /** nginx with whole servers. @param http given where they listen */
  async servers(http: (place: string) => string): Promise<number> {
    const port = await freePort()
    this.#keep(await startNginx(http(`127.0.0.1:${port}`), port))
    return port
  }

  async openssl(chain: readonly Crafted[], ...args: readonly string[]): Promise<number> {
    const [leaf, ...issuers] = chain
    const { cert, key } = this.files(leaf ? [leaf] : [])
    const above = issuers.length > 0 ? ['-cert_chain', this.files(issuers).cert] : []
    const made = await startSServer(['-cert', cert, '-key', key, ...above, ...args])
    this.#keep(made)
    return made.port
  }

  /** A server of TCP alone. */
  async tcp(meet: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>()
    const made = createServer(socket => {
      sockets.add(socket.on('error', () => undefined))
      meet(socket)
    })
    await new Promise<void>(resolve => made.listen(0, '127.0.0.1', resolve))
    this.#closers.push(async () => {
      for (const socket of sockets) socket.destroy()
      made.close()
    })
    return (made.address() as AddressInfo).port
  }

  #keep({ stop }: { readonly stop: () => Promise<void> }): void {
    this.#closers.push(stop)
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close()
  }
}

async function certificates() {
  const root = await craft({ subject: 'CN=Public Root', ca: true, ...LONG })
  const issuing = await craft({ subject: 'CN=Public Issuing 5', issuer: root, ca: true, ...LONG })
  const older = await craft({ subject: 'CN=Public Issuing 4', issuer: root, ca: true, ...LONG })
  const ended = await craft({
    subject: 'CN=Public Issuing 3',
    issuer: root,
    ca: true,
    notBefore: Date.now() - 90 * DAY,
    notAfter: Date.now() - DAY,
  })
  const leaf = (more: Partial<Parameters<typeof craft>[0]> = {}) =>
    craft({ subject: 'CN=hooks', issuer: issuing, dns: ['localhost'], usage: [SERVER_AUTH], ...LONG, ...more })
  return { root, issuing, older, ended, leaf }
}

/** A gate behind TLS, and what may stand in front of it. */
export async function startAll() {
  const folder = tempFolder()
  const crm = await startUpstream((req, res) => {
    // One of its paths takes forms alone.
    res.writeHead(req.url === '/forms' ? 415 : 200, { 'content-type': 'application/json' }).end('{}')
  })
  const { root, issuing, older, ended, leaf } = await certificates()
  const own = await leaf()
  const clients = await craft({ subject: 'CN=Clients CA,O=Partners', ca: true, ...LONG })
  const fronts = new Fronts(folder)
  const put = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 })
  put('root.pem', root.certificate)
  put('clients.pem', clients.certificate)
  put('server.crt', `${own.certificate}\n${issuing.certificate}`)
  put('server.key', own.key)
  const port = await freePort()
  const closed = await freePort()
  const gate: RunningGate = await startGate(
    `
listeners:
  - { name: public, bind: "127.0.0.1:${port}", public-url: "https://localhost:${port}", tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients.pem } }
routes:
  - { name: github, match: { path: /hooks/github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB }] } }], forward: { to: "${crm.url}/github" } }
  - { name: kb, match: { path: /hooks/kb }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "${crm.url}/kb" } }
  - { name: bank, match: { path: /hooks/bank }, checks: [{ client-cert: {} }], forward: { to: "${crm.url}/bank" } }
  - { name: down, match: { path: /hooks/down }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "http://127.0.0.1:${closed}/in" } }
  - { name: forms, match: { path: /hooks/forms }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "${crm.url}/forms" } }
  - { name: named, match: { path: /hooks/named, host: localhost }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }], forward: { to: "${crm.url}/named" } }
  - { name: strict, match: { path: /hooks/strict }, checks: [{ bearer: { tokens: [{ name: kb, env: KB }] } }, { schema: { inline: { type: object, required: [event_type] } } }], forward: { to: "${crm.url}/strict" } }
`,
    ENV,
    folder,
  )
  return { folder, crm, root, issuing, older, ended, leaf, own, clients, fronts, port, closed, gate, put }
}

/** How the doctor is asked about that gate. */
export function looking({ folder, fronts, port }: Awaited<ReturnType<typeof startAll>>) {
  const look = (route: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = ENV) =>
    complaints([route, '--config', 'gate.yaml', '--only', 'in', '--ca', 'root.pem', ...args], { cwd: folder, env })
  const url = (text: string, route = 'github') => look(route, ['--url', text])
  const at = (front: number, route = 'github') => url(`https://localhost:${front}/hooks/${route}`, route)
  const pass = `location / { proxy_ssl_verify off; proxy_set_header Host $http_host; proxy_pass https://127.0.0.1:${port}; }`
  /** Behind nginx with these certificates. */
  const served = (
    what: string,
    cause: string,
    chain: () => Promise<readonly Crafted[]>,
    more: Partial<Entry> & { rest?: string; route?: string } = {},
  ): Entry => {
    const { rest = pass, route, ...entry } = more
    return { what, cause, ...entry, tell: async () => at(await fronts.nginx(await chain(), rest), route) }
  }
  return { look, url, at, pass, served }
}
