import { describe, expect, it } from 'vitest'
import { checkKinds } from '../../src/checks/index.ts'
import type { Finding } from '../../src/core/finding.ts'
import type { Resources } from '../../src/core/resources.ts'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { fakeResources, NOW } from './fakes.ts'

const DAY = 86_400_000
const date = (days: number): string => new Date(NOW + days * DAY).toISOString().slice(0, 10)

async function doctorOf(name: string, config: unknown, resources: Resources = fakeResources()): Promise<Finding[]> {
  const kind = checkKinds.find(each => each.name === name)
  if (!kind?.doctor) throw new Error(`${name} has no doctor`)
  const found: Finding[] = []
  for await (const finding of kind.doctor(kind.config.parse(config) as never, resources)) found.push(finding)
  return found
}
const brief = (findings: readonly Finding[]): string[] => findings.map(({ level, cause }) => `${level} ${cause}`)

describe('what ends', () => {
  const tokens = (...ends: readonly (number | undefined)[]) => ({
    tokens: ends.map((days, index) => ({
      name: `t${index}`,
      env: 'T',
      ...(days === undefined ? {} : { expires: date(days) }),
    })),
  })

  it('tells of tokens that have ended or soon do, and of none else', async () => {
    expect(await doctorOf('bearer', tokens(undefined, 90))).toEqual([])
    expect(brief(await doctorOf('bearer', tokens(undefined, -3, 10)))).toEqual([
      'warn bearer.expired',
      'warn bearer.ends-soon',
    ])
    const [all] = await doctorOf('bearer', tokens(-3))
    expect(all).toMatchObject({ level: 'fail', cause: 'bearer.expired' })
    expect(all?.because).toContain('nothing is let in')
  })

  it('is quiet about a token whose successor is there', async () => {
    const two = {
      tokens: [
        { name: 'kb', env: 'A', expires: date(5) },
        { name: 'kb', env: 'B', expires: date(300) },
      ],
    }
    expect(await doctorOf('bearer', two)).toEqual([])
  })

  it('counts the lines of a tokens file', async () => {
    const hex = (char: string): string => char.repeat(64)
    const text = `a ${hex('a')} ${date(-1)}\nb ${hex('b')} ${date(3)}\nc ${hex('c')} -\n`
    const found = await doctorOf('bearer', { 'tokens-file': 'tokens' }, fakeResources({ files: { tokens: text } }))
    expect(brief(found)).toEqual(['warn bearer.expired', 'warn bearer.ends-soon'])
    expect(found[0]?.because).toContain('1 of the 3')
    const fine = await doctorOf(
      'bearer',
      { 'tokens-file': 'tokens' },
      fakeResources({ files: { tokens: `c ${hex('c')} -\n` } }),
    )
    expect(brief(fine)).toEqual(['ok bearer.tokens'])
  })

  it('holds for keys, passwords, secrets, and checks inside others', async () => {
    const ended = date(-1)
    expect(brief(await doctorOf('api-key', { keys: [{ name: 'a', env: 'A', expires: ended }] }))).toEqual([
      'fail api-key.expired',
    ])
    expect(brief(await doctorOf('basic', { users: [{ name: 'a', password: { env: 'A' }, expires: ended }] }))).toEqual([
      'fail basic.expired',
    ])
    const resources = fakeResources({ secrets: { A: 'a-secret' } })
    const signature = { provider: 'github', secrets: [{ env: 'A', expires: ended }] }
    expect(brief(await doctorOf('signature', signature, resources))).toEqual(['fail signature.expired'])
    expect(brief(await doctorOf('any-of', [{ signature }], resources))).toEqual(['fail signature.expired'])
    expect(brief(await doctorOf('all-of', [{ signature }], resources))).toEqual(['fail signature.expired'])
    expect(
      brief(await doctorOf('jwt', { algorithms: ['HS256'], secrets: [{ env: 'A', expires: ended }] }, resources)),
    ).toEqual(['fail jwt.expired'])
  })

  it('tells which of several secrets is not there, and where the service shows it', async () => {
    const found = await doctorOf(
      'signature',
      { provider: 'github', secrets: [{ env: 'A' }, { name: 'old', env: 'B' }] },
      fakeResources({ secrets: { A: 'a-secret' } }),
    )
    expect(brief(found)).toEqual(['warn signature.one-missing'])
    expect(found[0]?.mend).toContain('In GitHub: Repository or organisation: Settings, Webhooks')
  })
})

describe('documents that others keep', () => {
  const FEED = 'https://example.com/networks'
  const feeds = (documents: Readonly<Record<string, string>>, provider?: string): Resources =>
    fakeResources(provider === undefined ? { documents } : { documents, signedBy: { provider, secrets: [] } })

  it('are networks that can be had or not', async () => {
    const config = { allow: [{ feed: FEED }] }
    expect(brief(await doctorOf('source-ip', config, feeds({ [FEED]: '192.0.2.0/24\n' })))).toEqual([
      'ok source-ip.feed',
    ])
    expect(brief(await doctorOf('source-ip', config, feeds({})))).toEqual(['fail source-ip.feed-unreachable'])
  })

  it('are networks that a provider has changed', async () => {
    const meta = { 'https://api.github.com/meta': JSON.stringify({ hooks: ['192.30.252.0/22', '203.0.113.0/24'] }) }
    const [found] = await doctorOf('source-ip', { allow: ['192.30.252.0/22', '10.0.0.1'] }, feeds(meta, 'github'))
    expect(found).toMatchObject({
      level: 'warn',
      cause: 'source-ip.networks-differ',
      evidence: { missing: ['203.0.113.0/24'], beyond: ['10.0.0.1/32'] },
    })
    expect(found?.mend).toContain('feed: https://api.github.com/meta')
    expect(await doctorOf('source-ip', { allow: ['10.0.0.0/8'] }, feeds(meta, 'github'))).toEqual([])
    expect(brief(await doctorOf('source-ip', { allow: ['192.30.252.0/22'] }, feeds({}, 'github')))).toEqual([
      'ok source-ip.not-compared',
    ])
  })

  it('are keys of an issuer', async () => {
    const url = 'https://id.example.com/jwks.json'
    const config = { algorithms: ['ES256'], jwks: { url }, issuer: 'https://id.example.com', audience: 'gate' }
    const [found] = await doctorOf('jwt', config, feeds({}))
    expect(found).toMatchObject({ level: 'fail', cause: 'jwt.keys-unreachable' })
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
    const key = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'a', alg: 'ES256' }
    expect(brief(await doctorOf('jwt', config, feeds({ [url]: JSON.stringify({ keys: [key] }) })))).toEqual([
      'ok jwt.key-set',
    ])
  })
})

describe('an authorization server', () => {
  const asked = async (endpoint: string, secret: string) =>
    doctorOf(
      'introspection',
      { endpoint, client: { id: 'gate', secret: { env: 'S' } } },
      fakeResources({ secrets: { S: secret } }),
    )

  it('knows the gate, does not, answers nothing, or calls anything active', async () => {
    const server = await startAuthorizationServer()
    expect(brief(await asked(server.url, 'a secret'))).toEqual(['ok introspection.answers'])
    expect(brief(await asked(server.url, 'another'))).toEqual(['fail introspection.client-refused'])
    server.tokens.get = () => ({ body: { active: true } })
    expect(brief(await asked(server.url, 'a secret'))).toEqual(['warn introspection.anything-active'])
    await server.close()
    expect(brief(await asked(server.url, 'a secret'))).toEqual(['fail introspection.unreachable'])
  })
})
