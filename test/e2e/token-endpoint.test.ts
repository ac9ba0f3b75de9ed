import { createHash, createPublicKey } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import type { RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { issueCa, issueLeaf } from '../../src/tls/issue.ts'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'

const API = 'api.bank.example'

describe('a token endpoint on another host than the upstream', () => {
  const folder = tempFolder()
  const servers: Server[] = []
  const names: [string, unknown][] = []
  let gate: RunningGate

  beforeAll(async () => {
    const now = Date.now()
    const ca = await issueCa('the bank', now)
    writeFileSync(join(folder, 'bank.crt'), ca.certificate)
    const serve = async (name: string, answer: RequestListener): Promise<{ port: number; pin: string }> => {
      const leaf = await issueLeaf(ca, { commonName: name, use: 'server', names: { dns: [name] }, now })
      const server = createServer({ cert: leaf.certificate, key: leaf.key }, answer)
      server.on('secureConnection', socket => names.push([name, socket.servername]))
      servers.push(server)
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
      const spki = createPublicKey(leaf.certificate).export({ type: 'spki', format: 'der' })
      return { port: (server.address() as AddressInfo).port, pin: createHash('sha256').update(spki).digest('hex') }
    }
    const api = await serve(API, (req, res) => void res.end(`{"got":"${req.headers.authorization}"}`))
    const auth = await serve('localhost', (_req, res) => void res.end('{"access_token":"t1","token_type":"bearer"}'))
    const route = (name: string, to: string, tokenUrl: string, tls: string) => `
  - name: ${name}
    match: { path: /${name}, methods: [GET] }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward:
      to: ${to}/in
      tls: { ca: bank.crt, ${tls} }
      authenticate: { oauth2: { token-url: "${tokenUrl}/token", client-id: crm, client-secret: { env: SECRET } } }`
    const [apiUrl, authUrl] = [`https://127.0.0.1:${api.port}`, `https://localhost:${auth.port}`]
    gate = await startGate(
      `listeners: [{ name: crm-side, bind: "127.0.0.1:0" }]
routes:${[
        route('named', apiUrl, authUrl, `server-name: ${API}`),
        route('pinned', apiUrl, authUrl, `server-name: ${API}, pins: [${api.pin}]`),
        route('own', authUrl, authUrl, `pins: [${api.pin}]`),
        route('stranger', apiUrl, `https://127.0.0.1:${auth.port}`, `server-name: ${API}`),
      ].join('')}
`,
      { SECRET: 'a-client-secret' },
      folder,
    )
  }, 30_000)
  afterAll(async () => {
    expect(await gate.stop()).toBe(0)
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
  }, 30_000)

  const get = (route: string) => ask({ port: gate.port('crm-side'), path: `/${route}`, method: 'GET' })

  it.each(['named', 'pinned'])('is verified by its own name and key: %s', async route => {
    names.length = 0
    expect(await get(route)).toMatchObject({ status: 200, body: '{"got":"Bearer t1"}' })
    expect(names.at(-1)).toEqual([API, API])
    for (const [name, asked] of names) expect(asked).toBe(name)
  })

  it.each(['own', 'stranger'])('is verified as the upstream where it is on its host: %s', async route => {
    expect(await get(route)).toMatchObject({ status: 502, code: 'forward.no-token' })
    const line = await gate.line(each => each.route === route && each.code === 'forward.no-token')
    expect(JSON.stringify(line.evidence)).toMatch(route === 'own' ? /none of the pins/ : /ALTNAME/)
  })
})
