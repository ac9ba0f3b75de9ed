import { generateKeyPairSync } from 'node:crypto'
import { sign as signForGitHub } from '@octokit/webhooks-methods'
import { createSigner, httpbis } from 'http-message-signatures'
import { contentDigest } from '../../src/signing/content-digest.ts'
import { gateFamily, type Request, type Sent } from './gate-family.ts'

const ours = generateKeyPairSync('ed25519')
const theirs = generateKeyPairSync('ed25519')
const pem = ({ publicKey }: typeof ours): string => publicKey.export({ format: 'pem', type: 'spki' }).toString()
const ENV = { GITHUB: 'gh-6b1d0f9e4c3a8275', KB: 'kb-1f8e3d6c9b2a47508d7e', OURS: pem(ours), THEIRS: pem(theirs) }
const BODY = '{"id":5}'
const JSON_TYPE = { 'content-type': 'application/json' }

interface Signing {
  readonly key?: typeof ours
  readonly keyid?: string
  readonly url?: string
  readonly createdMs?: number
  readonly covered?: readonly string[]
  readonly body?: string
}
const COVERED = ['@method', '@target-uri', 'content-digest']

/** Signed by another library (RFC 9421). */
const signed = (what: string, cause: string, signing: Signing, more: Partial<Request> = {}): Request => ({
  what,
  cause,
  ...more,
  send: async (): Promise<Sent> => {
    const { key = ours, keyid = 'partner-1', url = 'https://hooks.example.com/partner', createdMs = 0 } = signing
    const headers = { ...JSON_TYPE, 'content-digest': contentDigest(Buffer.from(BODY)) }
    const made = await httpbis.signMessage(
      {
        key: createSigner(key.privateKey, 'ed25519', keyid),
        fields: [...(signing.covered ?? COVERED)],
        paramValues: { created: new Date(Date.now() + createdMs) },
      },
      { method: 'POST', url, headers },
    )
    return { path: '/partner', headers: made.headers as Record<string, string>, body: signing.body ?? BODY }
  },
})

/** HTTP message signatures, and checks that stand as alternatives. */
export const combined = gateFamily({
  name: 'combined',
  env: ENV,
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0", public-url: "https://hooks.example.com" }]
routes:
  - { name: partner, match: { path: /partner }, checks: [{ signature: { scheme: http-message-signature, algorithm: ed25519, keys: [{ id: partner-1, env: OURS }], require: ["@method", "@target-uri", content-digest] } }], forward: { to: UPSTREAM/in } }
  - { name: bank, match: { path: /bank }, checks: [{ signature: { scheme: http-message-signature, algorithm: ed25519, keys: [{ id: partner-1, env: THEIRS }], require: ["@method", "@target-uri", content-digest] } }], forward: { to: UPSTREAM/in } }
  - { name: either, match: { path: /either }, checks: [{ any-of: [{ bearer: { tokens: [{ name: kb, env: KB }] } }, { signature: { provider: github, secrets: [{ env: GITHUB }] } }] }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    signed('a message signed with a clock ten minutes ahead', 'signature.clock-ahead', { createdMs: 600_000 }),
    signed('a message signed an hour ago', 'signature.clock-behind', { createdMs: -3_600_000 }),
    signed('a message under a keyid of its own', 'signature.keyid', { keyid: 'partner-2' }),
    signed("a message of the other route's partner", 'signature.other-route-key', { key: theirs }, { says: /bank/ }),
    signed('a message that leaves the body uncovered', 'signature.components', { covered: ['@method', '@target-uri'] }),
    signed('a message for http', 'signature.url', { url: 'http://hooks.example.com/partner' }),
    signed('a message whose body got a line end', 'signature.body-line-end', { body: `${BODY}\n` }),
    signed('a message whose JSON was written anew', 'signature.body-reserialised', { body: '{\n  "id": 5\n}' }),
    {
      what: 'alternatives: "Bearer" twice',
      cause: 'bearer.twice',
      send: (): Sent => ({
        path: '/either',
        headers: { ...JSON_TYPE, authorization: `Bearer Bearer ${ENV.KB}` },
        body: BODY,
      }),
    },
    {
      what: 'alternatives: a line end in the secret of the sender',
      cause: 'signature.secret-line-end',
      send: async (): Promise<Sent> => ({
        path: '/either',
        headers: { ...JSON_TYPE, 'x-hub-signature-256': await signForGitHub(`${ENV.GITHUB}\n`, BODY) },
        body: BODY,
      }),
    },
  ],
})
