import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { loadConfig } from '../../src/config/load.ts'
import type { Problem } from '../../src/config/problem.ts'
import { systemClock } from '../../src/core/clock.ts'
import { Engine } from '../../src/gateway/engine.ts'
import { createLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { openLocalState } from '../../src/store/shared-state.ts'
import { type Crafted, craft, openssl, SERVER_AUTH, temporaryFolder } from '../tls/craft.ts'
import { runVerb } from './run-verb.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const file = (name: string): string => join(folder.path, name)
const der = (pem: string): Buffer => Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')
const write = (name: string, content: string | Buffer): void => {
  writeFileSync(file(name), content, { mode: 0o600 })
}

let root: Crafted
let leaf: Crafted

beforeAll(async () => {
  root = await craft({ subject: 'CN=Root', ca: true })
  leaf = await craft({ subject: 'CN=gate', issuer: root, usage: [SERVER_AUTH], dns: ['localhost'] })
  const other = await craft({ subject: 'CN=other', issuer: root, usage: [SERVER_AUTH], dns: ['localhost'] })
  write('root.crt', root.certificate)
  write('leaf.crt', leaf.certificate)
  write('leaf.key', leaf.key)
  write('other.key', other.key)
  write('leaf.der', der(leaf.certificate))
  write('reversed.crt', root.certificate + leaf.certificate)
  write('truncated.crt', leaf.certificate.slice(0, 300))
  await openssl(['pkey', '-in', file('leaf.key'), '-aes256', '-passout', 'pass:secret', '-out', file('locked.key')])
  await openssl(['pkey', '-in', file('leaf.key'), '-pubout', '-out', file('public.key')])
  await openssl(['req', '-new', '-key', file('leaf.key'), '-subj', '/CN=gate', '-out', file('request.crt')])
  const weak = ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-subj', '/CN=weak', '-addext', 'subjectAltName=DNS:a']
  await openssl([...weak, '-keyout', file('weak.key'), '-out', file('weak.crt')])
  for (const name of readdirSync(folder.path)) chmodSync(file(name), 0o600)
}, 30_000)

const configOf = (tls: string, rest = ''): string => `listeners:
  - name: public
    bind: 127.0.0.1:8443
    tls:
${tls.replace(/^/gm, '      ')}
${rest}routes:
  - name: partner
    match: { path: /in }
    checks: [{ source-ip: { allow: [192.0.2.0/24] } }]
    forward: { to: "http://127.0.0.1:3000/in" }
`
const pair = (cert: string, key: string): string => `certificates:\n  - { cert: ${cert}, key: ${key} }`

async function checked(yaml: string, ...args: string[]) {
  write('gate.yaml', yaml)
  return runVerb(check, ['gate.yaml', ...args], { cwd: folder.path })
}

/** What the gate says when it loads the same config to run by it. */
function refusal(): string | undefined {
  const log = createLog({ level: 'silent', destination: { write: () => undefined } })
  const stores = openLocalState(systemClock)
  const means = { file: file('gate.yaml'), env: {}, clock: systemClock, log, loadingLog: log, stores }
  const engine = new Engine({ ...means, metrics: createMetrics({ version: '0' }), renewed: () => undefined })
  try {
    engine.load(loadConfig(file('gate.yaml'), {})).compiled.close()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    void engine.close(0)
  }
}

describe('the files that a listener terminates TLS with', () => {
  it.each<[what: string, tls: () => string, says: RegExp, mend: RegExp, place: string]>([
    [
      'a key of another certificate',
      () => pair('leaf.crt', 'other.key'),
      /other\.key is not the key of leaf\.crt/,
      /issued together/,
      '6:13',
    ],
    ['an encrypted key', () => pair('leaf.crt', 'locked.key'), /locked\.key is encrypted/, /passphrase/, '6:13'],
    ['DER as PEM', () => pair('leaf.der', 'leaf.key'), /leaf\.der holds no certificate/, /as PEM/, '6:13'],
    [
      'a request as certificate',
      () => pair('request.crt', 'leaf.key'),
      /request\.crt holds no certificate/,
      /as PEM/,
      '6:13',
    ],
    [
      'PEM that was cut',
      () => pair('truncated.crt', 'leaf.key'),
      /truncated\.crt holds no certificate/,
      /as PEM/,
      '6:13',
    ],
    [
      'a public key as key',
      () => pair('leaf.crt', 'public.key'),
      /public\.key holds no private key/,
      /BEGIN PRIVATE KEY/,
      '6:13',
    ],
    ['a key of 1024 bits', () => pair('weak.crt', 'weak.key'), /the TLS library refuses/, /RSA 2048/, '6:13'],
    [
      'a chain in another order',
      () => pair('reversed.crt', 'leaf.key'),
      /it belongs to certificate 2 of the chain/,
      /leaf first/,
      '6:13',
    ],
    [
      'a key as client-ca',
      () => `${pair('leaf.crt', 'leaf.key')}\nclient-ca: leaf.key`,
      /leaf\.key holds no certificate/,
      /CA certificates/,
      '7:18',
    ],
    [
      'a list without its CA',
      () => `${pair('leaf.crt', 'leaf.key')}\nclient-crl: root.crt`,
      /client-crl without client-ca/,
      /client-ca/,
      '4:5',
    ],
  ])('are refused as the gate would refuse them: %s', async (_, tls, says, mend, place) => {
    const { code, stdout, stderr } = await checked(configOf(tls()))
    expect(stderr).toMatch(says)
    expect(stderr).toMatch(mend)
    expect(stderr).toContain(`gate.yaml:${place}  `)
    expect(stderr).toContain('gate.yaml: 1 error, 0 warnings\n')
    expect(stdout).toBe('')
    expect(code).toBe(1)
    expect(refusal()).toMatch(says)
  })

  it('are told each, in JSON too, and a client CA of a proxy as well', async () => {
    const listener = `${pair('leaf.crt', 'other.key')}\n  - { cert: weak.crt, key: weak.key }\nclient-ca: leaf.key`
    const proxied = `  - name: proxied
    bind: 127.0.0.1:8080
    trusted-proxies: [127.0.0.1/32]
    proxy-client-cert: { format: rfc9440, client-ca: leaf.key }
`
    const { code, stdout } = await checked(configOf(listener, proxied), '--json')
    const { ok, problems } = JSON.parse(stdout) as { readonly ok: boolean; readonly problems: readonly Problem[] }
    expect({ ok, code }).toEqual({ ok: false, code: 1 })
    expect(problems.map(({ line, severity }) => [line, severity])).toEqual([
      [6, 'error'],
      [7, 'error'],
      [8, 'error'],
      [12, 'error'],
    ])
  })

  it('are fit to run where the gate takes them, and nothing is written', async () => {
    write('gate.yaml', '')
    const before = readdirSync(folder.path)
    const acme = 'acme: { names: [hooks.example.com], email: ops@example.com, accept-terms: true, store: acme }'
    const config = configOf(`${pair('leaf.crt', 'leaf.key')}\nclient-ca: root.crt`)
    expect(await checked(config)).toEqual({
      code: 0,
      stdout: 'gate.yaml: 1 listener, 1 route, fit to run\n',
      stderr: '',
    })
    expect(refusal()).toBeUndefined()
    expect(await checked(configOf(acme))).toMatchObject({ code: 0, stderr: '' })
    expect(readdirSync(folder.path)).toEqual(before)
  })

  it('are warned of as the log of the gate warns', async () => {
    writeFileSync(file('open.key'), readFileSync(file('leaf.key')))
    chmodSync(file('open.key'), 0o644)
    const { code, stdout, stderr } = await checked(configOf(pair('leaf.crt', 'open.key')))
    expect(stderr).toMatch(/^gate\.yaml:6:13 {2}warning: certificates: open\.key can be read by others .* chmod 600/)
    expect(stdout).toContain('fit to run')
    expect(code).toBe(0)
    expect((await checked(configOf(pair('leaf.crt', 'open.key')), '--strict')).code).toBe(1)
  })

  it('are told once where one is not there', async () => {
    const absent = configOf(`${pair('leaf.crt', 'leaf.key')}\nclient-ca: root.crt\nclient-crl: absent.crl`)
    const { code, stderr } = await checked(absent)
    expect(stderr).toContain('gate.yaml: 0 errors, 1 warning\n')
    expect(code).toBe(0)
    const anchorless = configOf(`${pair('leaf.crt', 'leaf.key')}\nclient-ca: absent.crt`)
    expect(await checked(anchorless)).toMatchObject({ code: 1, stderr: expect.stringContaining('1 error, 0 warnings') })
    expect(refusal()).toContain('absent.crt')
  })
})

describe('the files that a bridge shows and trusts', () => {
  const bridge = (tls: string): string => `listeners: [{ name: crm, bind: "127.0.0.1:0" }]
routes:
  - name: bank
    match: { path: /in }
    checks: [{ source-ip: { allow: [192.0.2.0/24] } }]
    forward:
      to: https://bank.example/v1
      tls: ${tls}
`

  it.each([
    ['{ certificate: { cert: leaf.crt, key: other.key } }', 'other.key is not the key of leaf.crt'],
    ['{ certificate: { cert: truncated.crt, key: leaf.key } }', 'truncated.crt holds no certificate'],
    ['{ ca: leaf.key }', 'leaf.key holds no certificate'],
  ])('are warned of where they do not fit: %s', async (tls, message) => {
    const { code, stderr } = await checked(bridge(tls))
    expect(code).toBe(0)
    expect(stderr).toContain(`gate.yaml:8:7  warning: route "bank" would be offline (503) at a start: ${message}`)
    expect(stderr).toContain('0 errors, 1 warning')
    expect((await checked(bridge(tls), '--strict')).code).toBe(1)
  })

  it.each([
    ['{ certificate: { cert: leaf.crt, key: leaf.key }, ca: root.crt }', 0],
    ['{ certificate: { cert: absent.crt, key: leaf.key } }', 1],
  ])('are told once where they are missing, and not where they fit: %s', async (tls, warnings) => {
    const { stderr } = await checked(bridge(tls))
    expect(stderr.match(/warning:/g) ?? []).toHaveLength(warnings)
  })
})
