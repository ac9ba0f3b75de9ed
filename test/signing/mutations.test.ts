import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { gate, outcome, provider, type Sent, signed } from '../checks/sent.ts'
import { NOW } from '../checks/testCheck.ts'
import { credentials, keyed } from '../support/signed.ts'

/** Of each property of each provider; set it to 2500 for ten thousand a provider. */
const RUNS = { numRuns: Number(process.env.SALLYPORT_MUTATION_RUNS ?? 50) }
const BODY = Buffer.from(JSON.stringify({ id: 'evt_1', update_id: 1, text: 'a body of some length, to be changed' }))
const URLENCODED = 'application/x-www-form-urlencoded'
const FORM = Buffer.from('From=%2B49170&To=%2B49171&Body=hello+there')
/** Whose signature is one over form fields. */
const SIGNS_FORM = new Set(['braintree', 'mandrill', 'twilio'])
const ADYEN = Buffer.from(
  JSON.stringify({
    live: 'false',
    notificationItems: [
      {
        NotificationRequestItem: {
          pspReference: 'QFQTPCQ8HXSKGK82',
          merchantAccountCode: 'Account',
          merchantReference: 'order:7',
          amount: { currency: 'EUR', value: 1000 },
          eventCode: 'AUTHORISATION',
          success: 'true',
        },
      },
    ],
  }),
)
/** A token says nothing of the body. Those that publish their key have files of their own. */
const tokens = new Set(keyed.filter(({ scheme }) => scheme.kind === 'token').map(({ id }) => id))

/** Whose signature covers the address that was called, or its path. */
const SIGNS_URL = new Set([
  'hubspot-v2',
  'hubspot-v3',
  'mandrill',
  'messagebird',
  'sinch-voice',
  'square',
  'trello',
  'twilio',
])

const secrets = new Map(keyed.map(provider => [provider.id, credentials(provider)]))
const original = (id: string): Sent => {
  const held = secrets.get(id)?.held ?? ''
  if (SIGNS_FORM.has(id)) return signed(id, held, FORM, URLENCODED)
  return signed(id, held, id === 'adyen' ? ADYEN : BODY)
}

/** How much longer than its tolerance a signature is taken: the lifetime that it names itself. */
const LASTS: Readonly<Record<string, number>> = { messagebird: 60_000 }

/**
 * What a signature covers, where that is not the bytes of the body: of a form the parameters, not their spelling (%2B is
 * %2b, and a blank may be written as it is), and of some JSON a part.
 */
const COVERED: Readonly<Record<string, (body: string) => string>> = {
  twilio: body => new URLSearchParams(body).toString(),
  mandrill: body => new URLSearchParams(body).toString(),
  braintree: body => new URLSearchParams(body).toString(),
  mailgun: body => JSON.stringify(JSON.parse(body).signature),
  adyen(body) {
    const [{ NotificationRequestItem: item }] = JSON.parse(body).notificationItems
    const { amount, additionalData } = item
    return JSON.stringify({ ...item, ...amount, ...additionalData })
  },
}

function covered(id: string, body: Buffer): string {
  try {
    return COVERED[id]?.(body.toString()) ?? body.toString('latin1')
  } catch {
    return 'nothing'
  }
}

const signatureHeaders = (id: string, sent: Sent): string[] =>
  provider(id).scheme.headers.filter(name => name in sent.headers)

/** The name of an authentication scheme may be written in either case (RFC 9110 section 11.1). */
const spelling = (name: string, value: string): string =>
  name === 'Authorization' ? value.replace(/^[a-z]+ /i, scheme => scheme.toLowerCase()) : value

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
    'a'.repeat(65_536),
    'v1=,'.repeat(16_384),
    't=1;ts=1;h1=;'.repeat(5_000),
  ),
)

describe.each(keyed.map(({ id }) => id))('%s', id => {
  const sent = original(id)
  const check = gate(id, secrets.get(id)?.given ?? '')
  const inHeaders = signatureHeaders(id, sent).length > 0

  it('takes its own', () => {
    expect(outcome(check(sent))).toBe('ok')
  })

  it.runIf(!tokens.has(id))('never verifies a changed body', () => {
    const raw = Buffer.from(sent.body)
    fc.assert(
      fc.property(fc.nat(raw.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const body = Buffer.from(raw)
        body[at] = (body[at] ?? 0) ^ mask
        if (covered(id, body) === covered(id, raw)) return
        expect(outcome(check({ ...sent, body }))).not.toBe('ok')
      }),
      RUNS,
    )
  })

  it('has its signature in headers, or says that it has none', () => {
    expect(inHeaders).toBe(provider(id).scheme.headers.length > 0)
  })

  it.runIf(inHeaders)('never verifies with a changed signature header', () => {
    const names = signatureHeaders(id, sent)
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.nat(), fc.integer({ min: 0x20, max: 0xff }), (name, at, code) => {
        const value = String(sent.headers[name])
        const index = at % value.length
        const changed = value.slice(0, index) + String.fromCharCode(code) + value.slice(index + 1)
        if (spelling(name, changed) === spelling(name, value)) return
        expect(outcome(check({ ...sent, headers: { ...sent.headers, [name]: changed } }))).not.toBe('ok')
      }),
      RUNS,
    )
  })

  it.runIf(SIGNS_URL.has(id))('never verifies under a changed URL', () => {
    const url = sent.url ?? ''
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.constantFrom(...'abcxyz09-._~'), (back, character) => {
        const changed = url.slice(0, -back) + character + url.slice(url.length - back + 1)
        if (changed === url) return
        expect(outcome(check({ ...sent, url: changed }))).not.toBe('ok')
      }),
      RUNS,
    )
  })

  it.runIf(provider(id).scheme.tolerance !== undefined)(
    'takes nothing older, or further ahead, than its tolerance',
    () => {
      const tolerance = provider(id).scheme.tolerance ?? 0
      const lasts = LASTS[id] ?? 0
      for (const [skew, code] of [
        [tolerance + lasts, 'ok'],
        [-tolerance, 'ok'],
        [tolerance + lasts + 1000, 'signature.expired'],
        [-tolerance - 1000, 'signature.expired'],
      ] as const)
        expect(outcome(gate(id, secrets.get(id)?.given ?? '', NOW + skew)(sent)), `${skew} ms`).toBe(code)
    },
  )

  it('refuses it under another secret', () => {
    expect(outcome(gate(id, credentials(provider(id)).given)(sent))).toBe('signature.mismatch')
  })

  it('refuses a header of 64 KiB', () => {
    for (const name of signatureHeaders(id, sent))
      for (const text of ['a'.repeat(65_536), String(sent.headers[name]).padEnd(65_536, 'a')])
        expect(outcome(check({ ...sent, headers: { ...sent.headers, [name]: text } })), name).toMatch(/^signature\./)
  })

  it.runIf(!inHeaders)('answers any body with a refusal and never a throw', () => {
    fc.assert(
      fc.property(fc.oneof(anyText, fc.json()), body => {
        expect(outcome(check({ ...sent, body }))).toMatch(/^signature\./)
      }),
      RUNS,
    )
  })

  it.runIf(inHeaders)('answers any header text, absent, repeated or endless, with a refusal and never a throw', () => {
    const names = signatureHeaders(id, sent)
    const value = fc.oneof(anyText, fc.array(anyText, { maxLength: 3 }))
    fc.assert(
      fc.property(fc.record(Object.fromEntries(names.map(name => [name, value]))), given => {
        expect(outcome(check({ ...sent, headers: { ...sent.headers, ...given } }))).toMatch(/^signature\./)
      }),
      RUNS,
    )
  })

  it.each(signatureHeaders(id, sent))('refuses without %s, with it empty, and with it twice', name => {
    const { [name]: value, ...rest } = sent.headers
    expect(outcome(check({ ...sent, headers: rest }))).toBe('signature.missing')
    expect(outcome(check({ ...sent, headers: { ...rest, [name]: '' } }))).toBe('signature.missing')
    const twice = { ...rest, [name]: [String(value), String(value)] }
    expect(outcome(check({ ...sent, headers: twice }))).toBe('signature.malformed')
  })

  it('makes a new secret that its own form takes, another each time', () => {
    expect(credentials(provider(id)).held).not.toBe(credentials(provider(id)).held)
  })
})
