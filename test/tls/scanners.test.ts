import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hasProgram } from '../support/programs.ts'
import { craft, run, SERVER_AUTH, temporaryFolder } from './craft.ts'
import { openGate } from './gate.ts'

const sslscan = await hasProgram('sslscan', '--version')
/** `full` runs every check, for ten minutes; any other value what a change of ours can break, for one or two; none: none. */
const wanted = process.env.SALLYPORT_TESTSSL ?? ''
const testssl = wanted !== '' && (await hasProgram('testssl', '--version'))
const SCOPE = wanted === 'full' ? [] : ['--protocols', '--server-preference']
/** What is the certificate's, the name server's or a website's business, and not the listener's. */
const NOT_OURS = /^(cert_|DNS_CAArecord|HSTS|security_headers)/

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const certificates = [{ cert: `${folder.path}/server.crt`, key: `${folder.path}/server.key` }]

beforeAll(async () => {
  const server = await craft({ subject: 'CN=gate', usage: [SERVER_AUTH], dns: ['localhost'] })
  folder.write('server.crt', server.certificate)
  folder.write('server.key', server.key)
})

interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

describe.each(['intermediate', 'modern'] as const)('the profile %s', profile => {
  it.skipIf(!sslscan)(
    'is clean to sslscan',
    async () => {
      await using gate = await openGate({ profile, certificates })
      const { stdout } = await run('sslscan', ['--no-colour', `localhost:${gate.port}`], '', 60_000)
      const protocol = (name: string) => new RegExp(`^${name} +(\\w+)`, 'm').exec(stdout)?.[1]
      expect(['SSLv2', 'SSLv3', 'TLSv1.0', 'TLSv1.1'].map(protocol)).toEqual(Array(4).fill('disabled'))
      expect([protocol('TLSv1.2'), protocol('TLSv1.3')]).toEqual([
        profile === 'modern' ? 'disabled' : 'enabled',
        'enabled',
      ])
      const suites = [...stdout.matchAll(/^(?:Preferred|Accepted) +TLSv1\.[23] +(\d+) bits +(\S+)/gm)]
      expect(suites.length).toBeGreaterThanOrEqual(profile === 'modern' ? 3 : 6)
      for (const [, bits, suite] of suites) {
        expect(Number(bits), suite).toBeGreaterThanOrEqual(128)
        expect(suite).toMatch(/^TLS_|^ECDHE-.*(GCM|CHACHA20)/)
      }
      expect(stdout).toMatch(/renegotiation not supported/)
    },
    60_000,
  )

  it.skipIf(!testssl)(
    'is clean to testssl.sh',
    async () => {
      await using gate = await openGate({ profile, certificates })
      const json = `${folder.path}/${profile}.json`
      const args = [
        '--quiet',
        '--color',
        '0',
        '--warnings',
        'off',
        '--ip',
        'one',
        '--severity',
        'LOW',
        '--jsonfile',
        json,
      ]
      await run('testssl', [...args, ...SCOPE, `localhost:${gate.port}`], '', 900_000)
      const findings = JSON.parse(readFileSync(json, 'utf8')) as readonly Finding[]
      // WARN is what the tool could not look at with the openssl that it has.
      const ours = findings.filter(({ id, severity }) => severity !== 'WARN' && !NOT_OURS.test(id))
      expect(ours.map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`)).toEqual([])
      expect(findings.map(({ finding }) => finding)).not.toContain('Scan interrupted')
    },
    900_000,
  )

  it('offers the hybrid key exchange and takes a client without it', async () => {
    await using gate = await openGate({ profile, certificates })
    const groupOf = (ecdhCurve: string): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const socket: TLSSocket = connect({ port: gate.port, host: '127.0.0.1', ecdhCurve, rejectUnauthorized: false })
        socket.on('error', reject)
        socket.once('secureConnect', () => {
          resolve(`${socket.getProtocol()} ${JSON.stringify(socket.getEphemeralKeyInfo())}`)
          socket.destroy()
        })
      })
    expect(await groupOf('X25519MLKEM768')).toMatch(/TLSv1\.3/)
    expect(await groupOf('X25519')).toMatch(/TLSv1\.3 .*X25519/)
    await expect(groupOf('P-521')).rejects.toThrow()
  })
})

it('of the cipher suites the gate’s order counts, but for a client that puts ChaCha20 first', async () => {
  await using gate = await openGate({ certificates })
  const suiteOf = (ciphers: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const options = { port: gate.port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' } as const
      const socket = connect({ ...options, ciphers }, () => {
        resolve(socket.getCipher().name)
        socket.destroy()
      })
      socket.on('error', reject)
    })
  const [aes128, aes256] = ['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384']
  const chacha = 'ECDHE-ECDSA-CHACHA20-POLY1305'
  expect(await suiteOf(`${aes256}:${aes128}`)).toBe(aes128)
  expect(await suiteOf(`${chacha}:${aes128}`)).toBe(chacha)
  expect(await suiteOf(`${aes128}:${chacha}`)).toBe(aes128)
})
