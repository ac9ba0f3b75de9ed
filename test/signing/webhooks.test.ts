import { createPrivateKey, createPublicKey, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { Secret } from '../../src/core/secret.ts'
import { signerKey } from '../../src/signing/provider.ts'
import { standardWebhooks } from '../../src/signing/providers/standard-webhooks.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { readWebhooksSecret } from '../../src/signing/webhooks.ts'
import { gate, outcome, signed } from '../checks/sent.ts'
import { compile, fakeRequest, fakeResources, NOW } from '../checks/testCheck.ts'

const BODY = '{"type":"ticket.created"}'
const PAIR = standardWebhooks.publicKey.create()
const OTHER = standardWebhooks.publicKey.create()
const WHSEC = standardWebhooks.secret.create()
const BOTH = { provider: 'standard-webhooks', secrets: [{ env: 'WHSEC' }], keys: [{ env: 'WHPK' }] }

const check = (config: unknown, whpk = PAIR.publicKey) =>
  compile(signature, config, fakeResources({ secrets: { WHSEC, WHPK: whpk } }))
const keysOnly = { provider: 'standard-webhooks', keys: [{ env: 'WHPK' }] }

/** The headers that a sender with these keys writes: one signature for each. */
function headersOf(...held: string[]): Record<string, string> {
  const message = {
    method: 'POST',
    url: 'https://gate.example/in',
    body: Buffer.from(BODY),
    contentType: 'application/json',
    nowMs: NOW,
    id: 'msg_1',
  }
  const each = held.map(text =>
    Object.fromEntries(
      signMessage(standardWebhooks.scheme, signerKey(standardWebhooks, new Secret(Buffer.from(text))), message).headers,
    ),
  )
  return { ...each[0], 'webhook-signature': each.map(headers => headers['webhook-signature']).join(' ') }
}
const decide = (config: unknown, headers: Record<string, string>, whpk?: string) => {
  const request = fakeRequest({ headers, body: BODY })
  const made = check(config, whpk)
  return made.foresee?.(request, {}) ?? made.decide(request, {})
}

it('takes a secret with its version before it, as Supabase shows it', () => {
  const key = Buffer.alloc(32, 5)
  const held = `whsec_${key.toString('base64')}`
  expect(readWebhooksSecret(new Secret(Buffer.from(`v1,${held}`)))).toEqual(key)
  const event = signed('standard-webhooks', held, Buffer.from('{"user":{}}'))
  expect(outcome(gate('standard-webhooks', `v1,${held}`)(event))).toBe('ok')
  expect(() => readWebhooksSecret(new Secret(Buffer.from(`v2,${held}`)))).toThrow('is not whsec_')
})

describe('Standard Webhooks under a public key', () => {
  it('signs v1a as the specification says', () => {
    const sent = headersOf(PAIR.privateKey)
    const raw = Buffer.from(PAIR.privateKey.slice('whsk_'.length), 'base64')
    expect(raw.length).toBe(64)
    const jwk = { kty: 'OKP', crv: 'Ed25519', d: raw.toString('base64url', 0, 32), x: raw.toString('base64url', 32) }
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    const wanted = sign(null, Buffer.from(`msg_1.${NOW / 1000}.${BODY}`), key).toString('base64')
    expect(sent['webhook-signature']).toBe(`v1a,${wanted}`)
    const given = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
    expect(PAIR.publicKey).toBe(`whpk_${given}`)
  })

  it('takes v1a, and no v1 that nobody gave a secret for', () => {
    expect(decide(keysOnly, headersOf(PAIR.privateKey))).toMatchObject({ ok: true, facts: { eventId: 'msg_1' } })
    expect(decide(keysOnly, headersOf(OTHER.privateKey, PAIR.privateKey))).toMatchObject({ ok: true })
    expect(decide(keysOnly, headersOf(OTHER.privateKey))).toMatchObject({ code: 'signature.mismatch' })
    expect(decide(keysOnly, headersOf(WHSEC))).toMatchObject({ code: 'signature.malformed' })
  })

  it('takes a seed alone for the private key, and PEM for either', () => {
    const seed = Buffer.from(PAIR.privateKey.slice('whsk_'.length), 'base64').subarray(0, 32)
    const sent = headersOf(`whsk_${seed.toString('base64')}`)
    expect(sent).toEqual(headersOf(PAIR.privateKey))
    const der = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      Buffer.from(PAIR.publicKey.slice(5), 'base64'),
    ])
    const pem = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'pem', type: 'spki' })
    expect(decide(keysOnly, sent, pem.toString())).toMatchObject({ ok: true })
  })

  it('takes either where both are given, and tells which it was', () => {
    const both = { ...BOTH, secrets: [{ name: 'shared', env: 'WHSEC' }], keys: [{ name: 'open', env: 'WHPK' }] }
    expect(decide(both, headersOf(WHSEC))).toMatchObject({ ok: true, facts: { keyName: 'shared' } })
    expect(decide(both, headersOf(PAIR.privateKey))).toMatchObject({ ok: true, facts: { keyName: 'open' } })
    expect(decide(both, headersOf(OTHER.privateKey, WHSEC))).toMatchObject({ ok: true, facts: { keyName: 'shared' } })
    expect(decide(both, headersOf(standardWebhooks.secret.create(), PAIR.privateKey))).toMatchObject({
      facts: { keyName: 'open' },
    })
    expect(decide(both, headersOf(OTHER.privateKey, standardWebhooks.secret.create()))).toMatchObject({
      code: 'signature.mismatch',
      evidence: { 'secrets-tried': ['shared'], 'keys-tried': ['open'] },
    })
    expect(decide(both, headersOf(OTHER.privateKey))).toMatchObject({ code: 'signature.mismatch' })
    expect(decide(both, {})).toMatchObject({ code: 'signature.missing' })
    const old = { ...headersOf(WHSEC), 'webhook-timestamp': String(NOW / 1000 - 301) }
    expect(decide(both, old)).toMatchObject({ code: 'signature.expired' })
  })

  it.each([
    [PAIR.privateKey, 'it is a private key'],
    [WHSEC, 'whsec_...'],
    ['whpk_AAAA', '32 bytes'],
    [`whpk_${Buffer.alloc(33).toString('base64')}`, '32 bytes'],
  ])('is offline where the public key is %s', (given, says) => {
    expect(() => check(keysOnly, given)).toThrow(says)
  })

  it('refuses half of a pair as a secret', () => {
    const config = { provider: 'standard-webhooks', secrets: [{ env: 'WHPK' }] }
    for (const given of [PAIR.publicKey, PAIR.privateKey])
      expect(() => check(config, given)).toThrow('half of a key pair')
  })
})
