import { generateKeyPairSync } from 'node:crypto'
import { createSigner, httpbis } from 'http-message-signatures'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { contentDigest } from '../../src/signing/content-digest.ts'
import { explained } from './explained.ts'
import { fakeRequest, fakeResources, NOW } from './fakes.ts'

const ours = generateKeyPairSync('ed25519')
const theirs = generateKeyPairSync('ed25519')
const pem = ({ publicKey }: typeof ours): string => publicKey.export({ format: 'pem', type: 'spki' }).toString()
const resources = fakeResources({ secrets: { OURS: pem(ours), THEIRS: pem(theirs) } })
const BODY = '{"a":1}'
const config = {
  scheme: 'http-message-signature',
  algorithm: 'ed25519',
  keys: [{ id: 'partner-1', env: 'OURS' }],
  require: ['@method', '@target-uri', 'content-digest'],
}
const neighbour = { route: 'bank', config: { ...config, keys: [{ id: 'partner-1', env: 'THEIRS' }] }, resources }

interface Signing {
  readonly key?: typeof ours
  readonly keyid?: string
  readonly url?: string
  readonly created?: number
  readonly covered?: readonly string[]
  /** What comes in its place. */
  readonly body?: string
  /** What proxies add. */
  readonly through?: Record<string, string>
}

/** Signed by a library of others. */
async function why({
  key = ours,
  keyid = 'partner-1',
  url = 'https://gate.example/hooks/x',
  created = NOW,
  covered = config.require,
  body = BODY,
  through = {},
}: Signing) {
  const headers = { 'content-type': 'application/json', 'content-digest': contentDigest(Buffer.from(BODY)) }
  const signer = createSigner(key.privateKey, 'ed25519', keyid)
  const sent = await httpbis.signMessage(
    { key: signer, fields: [...covered], paramValues: { created: new Date(created) } },
    { method: 'POST', url, headers },
  )
  const request = fakeRequest({ headers: { ...(sent.headers as Record<string, string>), ...through }, body })
  const { findings } = await explained(signature, { config, request, resources, elsewhere: [neighbour] })
  return findings
}

it('tells a salt of another length, as Node and the library of others make it by default', async () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const sent = await httpbis.signMessage(
    {
      key: createSigner(pair.privateKey, 'rsa-pss-sha512', 'partner-1'),
      fields: [...config.require],
      paramValues: { created: new Date(NOW) },
    },
    {
      method: 'POST',
      url: 'https://gate.example/hooks/x',
      headers: { 'content-type': 'application/json', 'content-digest': contentDigest(Buffer.from(BODY)) },
    },
  )
  const { findings } = await explained(signature, {
    config: { ...config, algorithm: 'rsa-pss-sha512' },
    request: fakeRequest({ headers: sent.headers as Record<string, string>, body: BODY }),
    resources: fakeResources({ secrets: { OURS: pem(pair) } }),
    elsewhere: [],
  })
  expect(findings[0]).toMatchObject({ cause: 'signature.salt-length', certainty: 'proven' })
  expect(findings[0]?.mend).toContain('saltLength: 64')
})

describe('an HTTP message signature that nearly holds', () => {
  it.each<[cause: string, certainty: string, signing: Signing]>([
    ['clock-ahead', 'proven', { created: NOW + 412_000 }],
    ['clock-behind', 'proven', { created: NOW - 3_600_000 }],
    ['keyid', 'proven', { keyid: 'partner-2' }],
    ['other-route-key', 'proven', { key: theirs }],
    ['components', 'proven', { covered: ['@method', '@target-uri'] }],
    ['url', 'proven', { url: 'http://gate.example/hooks/x' }],
    ['body-line-end', 'proven', { body: `${BODY}\n` }],
    ['body-reserialised', 'proven', { body: '{ "a": 1 }' }],
    ['body-changed', 'likely', { body: '{"a":2}' }],
    ['keyid-unknown', 'likely', { key: generateKeyPairSync('ed25519'), keyid: 'stranger' }],
    ['unknown-key', 'possible', { key: generateKeyPairSync('ed25519') }],
  ])('%s', async (cause, certainty, signing) => {
    expect((await why(signing))[0]).toMatchObject({ cause: `signature.${cause}`, certainty })
  })

  it('is perhaps of another URL where one is covered, first of all behind a proxy', async () => {
    const url = 'https://partner.example.net/hooks/x'
    const causes = async (signing: Signing) => (await why(signing)).map(({ cause }) => cause)
    const all = ['signature.unknown-key', 'signature.unknown-url', 'signature.head-changed']
    expect(await causes({ url })).toEqual(all)
    expect((await causes({ url, through: { via: '1.1 edge' } }))[0]).toBe('signature.unknown-url')
    expect((await why({ url }))[1]).toMatchObject({ evidence: { url: 'https://gate.example/hooks/x' } })
  })
})
