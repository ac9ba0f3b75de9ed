import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { decodePem } from '../../src/tls/pem.ts'
import { ask } from '../support/client.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import { type Crafted, craft, craftCrl, SERVER_AUTH } from '../tls/craft.ts'

let gate: RunningGate
let upstream: TestUpstream
let server: Crafted
let cas: readonly Crafted[]
let clients: readonly Crafted[]
const folder = tempFolder()

beforeAll(async () => {
  server = await craft({ subject: 'CN=gate', usage: [SERVER_AUTH], dns: ['localhost'] })
  cas = [await craft({ subject: 'CN=One', ca: true }), await craft({ subject: 'CN=Two', ca: true })]
  clients = await Promise.all(cas.map(issuer => craft({ subject: 'CN=client', issuer, dns: ['client.example'] })))
  writeFileSync(join(folder, 'server.crt'), server.certificate)
  writeFileSync(join(folder, 'server.key'), server.key, { mode: 0o600 })
  writeFileSync(join(folder, 'cas.crt'), cas.map(({ certificate }) => certificate).join(''))
  mkdirSync(join(folder, 'crls'))
  upstream = await startUpstream()
  const tls = '{ certificates: [{ cert: server.crt, key: server.key }], client-ca: cas.crt, client-crl: crls }'
  gate = await startGate(
    `
listeners:
  - { name: public, bind: "127.0.0.1:0", tls: ${tls} }
routes:
  - { name: a, match: { path: /a }, checks: [{ client-cert: {} }], forward: { to: "${upstream.url}/a" } }
`,
    {},
    folder,
  )
}, 30_000)
afterAll(async () => {
  await upstream.close()
  expect(await gate.stop()).toBe(0)
}, 40_000)

const statuses = () =>
  Promise.all(
    clients.map(async ({ certificate: cert, key }) => {
      const headers = { 'content-type': 'application/json' }
      const tls = { ca: server.certificate, cert, key }
      return (await ask({ port: gate.port('public'), path: '/a', headers, body: '{}', tls })).status
    }),
  )

async function reloaded(change: () => void): Promise<void> {
  const told = gate.next(({ msg }) => msg === 'reloaded')
  change()
  await told
}

it('a folder of CRLs is read anew when a list comes, changes or goes', async () => {
  const [one, two] = cas
  const revoked = clients[1]?.serial
  if (one === undefined || two === undefined || revoked === undefined) throw new Error('two CAs were made')
  const path = (name: string): string => join(folder, 'crls', name)
  expect(await statuses()).toEqual([403, 403])
  expect(gate.lines.some(line => /client-crl holds no CRL: every/.test(String(line.problem)))).toBe(true)

  const [first, der] = [await craftCrl(one), decodePem(await craftCrl(two))[0]?.der ?? Buffer.alloc(0)]
  await reloaded(() => writeFileSync(path('one.crl'), first))
  expect(await statuses()).toEqual([200, 403])
  expect(gate.lines.some(line => /holds no CRL of CN=Two/.test(String(line.problem)))).toBe(true)

  await reloaded(() => writeFileSync(path('two.der'), der))
  expect(await statuses()).toEqual([200, 200])
  // What is no list by its name is not read.
  await reloaded(() => writeFileSync(path('README'), 'lists of our partners'))
  expect(await statuses()).toEqual([200, 200])

  const second = await craftCrl(two, { revoked: [revoked] })
  await reloaded(() => writeFileSync(path('two.der'), second))
  expect(await statuses()).toEqual([200, 403])

  await reloaded(() => writeFileSync(path('two.der'), 'damaged'))
  expect(await statuses()).toEqual([200, 403])
  const because = /CRL of CN=Two is missing \(crls\/two\.der holds no CRL\)/
  await gate.line(({ evidence }) => because.test(JSON.stringify(evidence ?? '')))

  await reloaded(() => rmSync(path('one.crl')))
  expect(await statuses()).toEqual([403, 403])
})
