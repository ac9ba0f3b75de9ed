import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { makeCertificates, type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { craft, craftCrl, DAY, SERVER_AUTH } from '../tls/craft.ts'

const CONFIG = `
listeners:
  - { name: public, bind: "127.0.0.1:0", tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients-ca.crt, client-crl: clients.crl } }
admin: { bind: "127.0.0.1:0" }
routes:
  - { name: a, match: { path: /a }, checks: [{ client-cert: {} }], forward: { to: "http://127.0.0.1:1/a" } }
`

describe('what ends', () => {
  let gate: RunningGate | undefined
  afterEach(() => gate?.stop())

  /** What the log and the doctor warn of, and how long each thing lives. */
  async function told(folder: string) {
    gate = await startGate(CONFIG, {}, folder, 2)
    const { body } = await ask({ port: gate.port('admin'), path: '/metrics', method: 'GET' })
    const lives = [...body.matchAll(/^sallyport_lifetime_seconds\{kind="(\w+)",name="([^" ]+)[^"]*"\} (\d+)/gm)]
    const { stdout } = await sallyport(['doctor', '--config', join(folder, 'gate.yaml'), '--json'])
    const doctor = [...stdout.matchAll(/"cause": ?"((?:crl|certificate)\.[a-z-]+)"/g)].map(([, cause]) => cause)
    const log = gate.lines.filter(({ msg }) => msg === 'expires soon' || msg === 'expired').map(({ name }) => name)
    return {
      log,
      doctor,
      lives: new Map(lives.map(([, kind, name, life]) => [`${kind} ${name}`, Number(life) / 86_400])),
    }
  }

  it('is not warned of in the first minute with what "certs init" makes', async () => {
    const folder = tempFolder()
    await makeCertificates(folder)
    const { log, doctor, lives } = await told(folder)
    expect([log, doctor]).toEqual([[], []])
    expect([...lives.keys()].sort()).toEqual([
      'certificate clients-ca.crt',
      'certificate server.crt',
      'crl clients.crl',
    ])
    expect(lives.get('crl clients.crl')).toBeCloseTo(30, 1)
  }, 60_000)

  it.each([
    ['a certificate of 6 days', 6, 3, false],
    ['a certificate of 6 days', 6, 0.9, true],
    ['a certificate of 24 hours', 1, 0.5, false],
    ['a certificate of 24 hours', 1, 0.15, true],
  ])(
    'is warned of by the log and by the doctor alike: %s of %d with %d left',
    async (_what, life, left, warned) => {
      const folder = tempFolder()
      const dates = { notBefore: Date.now() - (life - left) * DAY, notAfter: Date.now() + left * DAY }
      const server = await craft({ subject: 'CN=gate', usage: [SERVER_AUTH], dns: ['localhost'], ...dates })
      const ca = await craft({ subject: 'CN=CA', ca: true, notAfter: Date.now() + 400 * DAY })
      writeFileSync(join(folder, 'server.crt'), server.certificate)
      writeFileSync(join(folder, 'server.key'), server.key, { mode: 0o600 })
      writeFileSync(join(folder, 'clients-ca.crt'), ca.certificate)
      writeFileSync(join(folder, 'clients.crl'), await craftCrl(ca))
      const { log, doctor, lives } = await told(folder)
      expect(lives.get('certificate server.crt')).toBeCloseTo(life, 2)
      expect(log.includes('server.crt')).toBe(warned)
      expect(doctor.includes('certificate.ends-soon')).toBe(warned)
    },
    60_000,
  )
})
