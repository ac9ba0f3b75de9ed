import { createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { gate, outcome, URL_GIVEN } from '../checks/sent.ts'
import { NOW } from '../checks/testCheck.ts'

/**
 * Services that publish no signature to compare with: each is made here by the steps of its own page or code, and with
 * nothing of this project.
 */
const SECRET = '0123456789abcdef0123456789abcdef'
const BODY = '{"id":"evt_1","text":"Grüße 👋"}'
const AT = String(Math.floor(NOW / 1000))
const FORM = 'mandrill_events=%5B%7B%22event%22%3A%22send%22%2C%22_id%22%3A%22a+b%22%7D%5D'

const mac = (algorithm: string, text: string, encoding: 'hex' | 'base64', key = SECRET): string =>
  createHmac(algorithm, key).update(text).digest(encoding)

type Headers = Readonly<Record<string, string>>

const SIGNED: [provider: string, headers: Headers, body: string][] = [
  ['asana', { 'X-Hook-Signature': mac('sha256', BODY, 'hex') }, BODY],
  [
    'bigcommerce',
    {
      'webhook-id': 'msg_1',
      'webhook-timestamp': AT,
      'webhook-signature': `v1,${mac('sha256', `msg_1.${AT}.${BODY}`, 'base64')}`,
    },
    BODY,
  ],
  ['customerio', { 'X-CIO-Timestamp': AT, 'X-CIO-Signature': mac('sha256', `v0:${AT}:${BODY}`, 'hex') }, BODY],
  ['docusign', { 'X-DocuSign-Signature-1': mac('sha256', BODY, 'base64') }, BODY],
  ['gitbook', { 'X-GitBook-Signature': `t=${AT},v1=${mac('sha256', `${AT}.${BODY}`, 'hex')}` }, BODY],
  ['linkedin', { 'X-LI-Signature': mac('sha256', `hmacsha256=${BODY}`, 'hex') }, BODY],
  [
    'mandrill',
    {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Mandrill-Signature': mac('sha1', `${URL_GIVEN}mandrill_events[{"event":"send","_id":"a b"}]`, 'base64'),
    },
    FORM,
  ],
  ['nylas', { 'X-Nylas-Signature': mac('sha256', BODY, 'hex') }, BODY],
  ['paystack', { 'x-paystack-signature': mac('sha512', BODY, 'hex') }, BODY],
  ['terraform', { 'X-TFE-Notification-Signature': mac('sha512', BODY, 'hex') }, BODY],
  ['typeform', { 'Typeform-Signature': `sha256=${mac('sha256', BODY, 'base64')}` }, BODY],
  ['x-twitter', { 'X-Twitter-Webhooks-Signature-OAuth2': `sha256=${mac('sha256', BODY, 'base64')}` }, BODY],
  ['x-twitter', { 'X-Twitter-Webhooks-Signature': `sha256=${mac('sha256', BODY, 'base64')}` }, BODY],
  ['xero', { 'x-xero-signature': mac('sha256', BODY, 'base64') }, BODY],
]

const json = { 'Content-Type': 'application/json' }

describe('what a service signs by its own steps', () => {
  it.each(SIGNED)('%s: verifies, and not with one byte changed', (id, headers, body) => {
    const check = gate(id, SECRET)
    expect(outcome(check({ headers: { ...json, ...headers }, body }))).toBe('ok')
    const changed = body.replace('send', 'sent').replace('evt_1', 'evt_2')
    expect(changed).not.toBe(body)
    expect(outcome(check({ headers: { ...json, ...headers }, body: changed }))).toBe('signature.mismatch')
  })

  it('telnyx: verifies under the public key as its portal shows it', () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const shown = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64')
    const check = gate('telnyx', shown)
    const signature = sign(null, Buffer.from(`${AT}|${BODY}`), privateKey).toString('base64')
    const headers = { ...json, 'Telnyx-Timestamp': AT, 'Telnyx-Signature-Ed25519': signature }
    expect(outcome(check({ headers, body: BODY }))).toBe('ok')
    expect(outcome(check({ headers, body: `${BODY} ` }))).toBe('signature.mismatch')
    const later = { ...headers, 'Telnyx-Timestamp': String(Number(AT) + 1) }
    expect(outcome(check({ headers: later, body: BODY }))).toBe('signature.mismatch')
  })

  it('mandrill: signs the URL as well', () => {
    const [, headers = {}] = SIGNED.find(([id]) => id === 'mandrill') ?? []
    const check = gate('mandrill', SECRET)
    expect(outcome(check({ headers, body: FORM, url: `${URL_GIVEN}/` }))).toBe('signature.mismatch')
  })

  it('mandrill: signs every field, in the order of their names', () => {
    const signature = mac('sha1', `${URL_GIVEN}a1b2mandrill_events[]`, 'base64')
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded', 'X-Mandrill-Signature': signature }
    const check = gate('mandrill', SECRET)
    expect(outcome(check({ headers, body: 'mandrill_events=%5B%5D&b=2&a=1' }))).toBe('ok')
    expect(outcome(check({ headers, body: 'mandrill_events=%5B%5D&b=2&a=1&c=3' }))).toBe('signature.mismatch')
    const asJson = { ...headers, 'Content-Type': 'application/json' }
    expect(outcome(check({ headers: asJson, body: '{"mandrill_events":"[]"}' }))).toBe('signature.malformed')
  })

  it('docusign: takes any of several, whose keys may be of others', () => {
    const check = gate('docusign', SECRET)
    const own = mac('sha256', BODY, 'base64')
    const other = mac('sha256', BODY, 'base64', 'another key')
    const both = { ...json, 'X-DocuSign-Signature-1': other, 'X-DocuSign-Signature-2': own }
    expect(outcome(check({ headers: both, body: BODY }))).toBe('ok')
    expect(outcome(check({ headers: { ...json, 'X-DocuSign-Signature-3': own }, body: BODY }))).toBe('ok')
    expect(outcome(check({ headers: { ...json, 'X-DocuSign-Signature-1': other }, body: BODY }))).toBe(
      'signature.mismatch',
    )
    expect(outcome(check({ headers: json, body: BODY }))).toBe('signature.missing')
  })

  it('x-twitter: falls back to the old header only where the new one is not sent', () => {
    const check = gate('x-twitter', SECRET)
    const good = `sha256=${mac('sha256', BODY, 'base64')}`
    const bad = `sha256=${mac('sha256', BODY, 'base64', 'another key')}`
    const headers = {
      ...json,
      'X-Twitter-Webhooks-Signature-OAuth2': bad,
      'X-Twitter-Webhooks-Signature': good,
    }
    expect(outcome(check({ headers, body: BODY }))).toBe('signature.mismatch')
  })
})
