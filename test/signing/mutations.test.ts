import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { providers } from '../../src/signing/index.ts'
import { gate, outcome, provider, type Sent, signed } from '../checks/sent.ts'

const RUNS = { numRuns: 300 }
const BODY = Buffer.from(JSON.stringify({ id: 'evt_1', update_id: 1, text: 'a body of some length, to be changed' }))
const FORM = Buffer.from('From=%2B49170&To=%2B49171&Body=hello+there')
/** A token says nothing of the body. */
const tokens = new Set(['telegram', 'gitlab'])

const secrets = new Map(providers.map(({ id, secret }) => [id, secret.create()]))
const original = (id: string): Sent =>
  id === 'twilio'
    ? signed(id, secrets.get(id) ?? '', FORM, 'application/x-www-form-urlencoded')
    : signed(id, secrets.get(id) ?? '', BODY)

const parameters = (body: Buffer): string => new URLSearchParams(body.toString()).toString()

const OURS = /signature|hmac|token|timestamp|webhook-id/i
const signatureHeaders = (sent: Sent): string[] => Object.keys(sent.headers).filter(name => OURS.test(name))

const anyText = fc.oneof(
  fc.string({ maxLength: 200 }),
  fc.string({ unit: 'binary-ascii', maxLength: 100 }),
  fc.base64String({ maxLength: 100 }),
  fc.integer().map(String),
  fc.constantFrom(
    '',
    ' ',
    ',',
    '=',
    'v1,',
    'v1=',
    't=',
    'sha256=',
    'v1,,v1,',
    't=1,t=2',
    'A'.repeat(20_000),
    ', '.repeat(5_000),
  ),
)

describe.each(providers.map(({ id }) => id))('%s', id => {
  const sent = original(id)
  const check = gate(id, secrets.get(id) ?? '')

  it('takes its own', () => {
    expect(outcome(check(sent))).toBe('ok')
  })

  it.runIf(!tokens.has(id))('never verifies a changed body', () => {
    const raw = Buffer.from(sent.body)
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const body = Buffer.from(raw)
        body[at] = (body[at] ?? 0) ^ mask
        // Of a form the parameters are signed, not their spelling: %2B is %2b, and a blank may be written as it is.
        if (id === 'twilio' && parameters(body) === parameters(raw)) return
        expect(outcome(check({ ...sent, body }))).not.toBe('ok')
      }),
      RUNS,
    )
  })

  it('never verifies with a changed signature header', () => {
    const names = signatureHeaders(sent)
    expect(names.length).toBeGreaterThan(0)
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 0x20, max: 0xff }), (name, at, code) => {
        const value = String(sent.headers[name])
        const index = at % value.length
        const changed = value.slice(0, index) + String.fromCharCode(code) + value.slice(index + 1)
        if (changed === value) return
        expect(outcome(check({ ...sent, headers: { ...sent.headers, [name]: changed } }))).not.toBe('ok')
      }),
      RUNS,
    )
  })

  it('answers any header text, absent, repeated or endless, with a refusal and never a throw', () => {
    const names = signatureHeaders(sent)
    const value = fc.oneof(anyText, fc.array(anyText, { maxLength: 3 }))
    fc.assert(
      fc.property(fc.record(Object.fromEntries(names.map(name => [name, value]))), given => {
        expect(outcome(check({ ...sent, headers: { ...sent.headers, ...given } }))).toMatch(/^signature\./)
      }),
      RUNS,
    )
  })

  it.each(signatureHeaders(sent))('refuses without %s, with it empty, and with it twice', name => {
    const { [name]: value, ...rest } = sent.headers
    expect(outcome(check({ ...sent, headers: rest }))).toBe('signature.missing')
    expect(outcome(check({ ...sent, headers: { ...rest, [name]: '' } }))).toBe('signature.missing')
    const twice = { ...rest, [name]: [String(value), String(value)] }
    expect(outcome(check({ ...sent, headers: twice }))).toBe('signature.malformed')
  })

  it('makes a new secret that its own form takes, another each time', () => {
    expect(provider(id).secret.create()).not.toBe(provider(id).secret.create())
  })
})
