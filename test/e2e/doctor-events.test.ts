import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { examine } from '../support/doctor.ts'
import { type RunningGate, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { jwksOf, makeIssuer } from '../support/tokens.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const ED25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString()
const ENV = {
  TWILIO: '12345678901234567890123456789012',
  MANDRILL: 'a-key-of-mandrill-1',
  BRAINTREE: 'integration_public:integration_private',
  SHARED: 'a-shared-secret-of-two-programs-0001',
  LONG: 'a-shared-secret-of-two-programs-that-has-sixty-four-bytes-and-more',
  HEX: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  ANNA: 'correct:horse%battery',
  ED25519,
}
const route = (name: string, checks: string, more = ''): string =>
  `  - { name: ${name}, match: { path: /${name} }, ${more}checks: [${checks}], forward: { to: UPSTREAM/${name} } }`
const config = (upstream: string, port: number): string =>
  `
listeners: [{ name: public, bind: "127.0.0.1:${port}" }]
routes:
${route('twilio', '{ content-type: { accept: [form] } }, { signature: { provider: twilio, secrets: [{ env: TWILIO }] } }')}
${route('mandrill', '{ content-type: { accept: [form] } }, { signature: { provider: mandrill, secrets: [{ env: MANDRILL }] } }')}
${route('braintree', '{ content-type: { accept: [form] } }, { signature: { provider: braintree, secrets: [{ env: BRAINTREE }] } }')}
${route('trello', '{ signature: { provider: trello, secrets: [{ env: SHARED }] } }', 'public-url: "http://localhost:80", ')}
${route('github', '{ content-type: { accept: [form] } }, { signature: { provider: github, secrets: [{ env: SHARED }] } }')}
${route('stripe', '{ content-type: { accept: [form] } }, { signature: { provider: stripe, secrets: [{ env: SHARED }] } }')}
${route('spelled', '{ signature: { scheme: hmac, algorithm: sha512, header: X-Sig, encoding: base64, key-form: hex, payload: "{timestamp}.{body}", list: { tag: "v1=", timestamp-tag: "t=" }, timestamp: { unit: ms }, secrets: [{ env: HEX }] } }')}
${route('in-body', '{ signature: { scheme: hmac, algorithm: sha256, field: { json: sig }, encoding: hex, payload: "{json:id}", signs: part, secrets: [{ env: HEX }] } }')}
${route('public-key', '{ signature: { scheme: ed25519, header: X-Sig, encoding: hex, payload: "{body}", keys: [{ env: ED25519 }] } }')}
${route('message', '{ signature: { scheme: http-message-signature, algorithm: hmac-sha256, secrets: [{ id: crm, env: SHARED }] } }')}
${route('basic', '{ basic: { users: [{ name: anna, password: { env: ANNA } }] } }')}
${route('jwt', '{ jwt: { algorithms: [HS512], secrets: [{ env: LONG }], issuer: "https://id.example.com", audience: crm, scopes: ["a:read", "a:write"], header: X-Token, principal: client_id } }')}
${route('short', '{ jwt: { algorithms: [HS512], secrets: [{ env: SHARED }] } }')}
${route('jwks', '{ jwt: { algorithms: [ES256], issuer: "https://id.example.com", audience: crm, jwks: { file: jwks.json } } }')}
${route('asked', '{ introspection: { endpoint: "http://127.0.0.1:9/introspect", client: { id: gate, secret: { env: SHARED } } } }')}
`.replaceAll('UPSTREAM', upstream)

let gate: RunningGate
let upstream: TestUpstream
const folder = tempFolder()

beforeAll(async () => {
  upstream = await startUpstream()
  writeFileSync(join(folder, 'jwks.json'), await jwksOf(makeIssuer('ES256', 'key-1')))
  gate = await startGate(config(upstream.url, await freePort()), ENV, folder)
})
afterAll(async () => {
  await gate.stop()
  await upstream.close()
})

const look = (name: string, ...args: string[]) =>
  examine([name, '--config', 'gate.yaml', '--only', 'in', ...args], { cwd: folder, env: ENV })

describe('test events of doctor', () => {
  it.each([
    ['github', ['another secret', 'a byte added after signing']],
    ['spelled', ['another secret', 'a timestamp of 30 days ago', 'a byte added after signing']],
    ['message', ['another secret', 'a timestamp of 30 days ago', 'a byte added after signing']],
    ['basic', ['another secret']],
    ['jwt', ['another secret', 'a timestamp of 30 days ago']],
  ])('are accepted and refused at %s, and reach nobody', async (name, forged) => {
    const { of, failed } = await look(name)
    expect(failed).toEqual([])
    expect(of('event.accepted').evidence).toMatchObject({ code: 'body.malformed' })
    expect(of('event.forged-refused').evidence).toEqual({ refused: forged })
    expect(upstream.received.filter(({ url }) => url === `/${name}`)).toEqual([])
  })

  it('sign the port of the public URL where it is written', async () => {
    const { of, failed } = await look('trello', '--connect', `127.0.0.1:${gate.port('public')}`)
    expect(failed).toEqual([])
    expect(of('event.accepted').evidence).toMatchObject({ code: 'body.malformed' })
  })

  it.each(['twilio', 'mandrill', 'braintree'])(
    'of the form of %s are let through where that is asked for',
    async name => {
      const quiet = await look(name)
      expect(quiet.failed).toEqual([])
      expect(quiet.of('event.not-tried').because).toMatch(
        /a form that has to be readable, and would be forwarded; --send/,
      )
      expect(quiet.of('event.forged-refused').because).toMatch(/another secret/)
      expect(upstream.received.filter(({ url }) => url === `/${name}`)).toEqual([])
      const sent = await look(name, '--send')
      expect(sent.failed).toEqual([])
      expect(sent.of('event.delivered').because).toMatch(/answered 200/)
      expect(upstream.received.filter(({ url }) => url === `/${name}`)).toHaveLength(1)
    },
  )

  it.each([
    ['stripe', /Stripe sends json, the route takes form/],
    ['in-body', /stands in the body, of which the config tells one member alone/],
    ['public-key', /signs with a private key that only it holds: only its public key is configured/],
    ['jwks', /signed by the issuer with a private key: only public keys are configured/],
    ['asked', /the authorization server alone makes its tokens/],
  ])('are not made for %s, and it says why', async (name, why) => {
    const { of } = await look(name)
    expect(of('event.not-tried').because).toMatch(why)
  })

  it('tell a route that is offline', async () => {
    expect((await look('short')).failed).toEqual(['route.offline'])
  })

  it('tell a gate that holds another secret', async () => {
    const args = ['--config', 'gate.yaml', '--only', 'in'] as const
    for (const [name, other] of [
      ['jwt', { LONG: 'another'.repeat(12) }],
      ['basic', { ANNA: 'another' }],
      ['twilio', { TWILIO: 'f'.repeat(32) }],
    ] as const) {
      const { failed } = await examine([name, ...args, '--send'], { cwd: folder, env: { ...ENV, ...other } })
      expect(failed).toEqual(['event.refused'])
    }
  })
})
