import { sign as octokitSign, verify as octokitVerify } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import twilio from 'twilio'
import { describe, expect, it } from 'vitest'
import { providerOf } from '../../src/signing/index.ts'
import type { Provider } from '../../src/signing/provider.ts'
import { NOW } from '../checks/testCheck.ts'
import { FORM, gateFor, type HeaderList, type Sent, signWith, URL_OF_HOOK, verdict } from './sender.ts'

/** The services' own code on the other side, in both directions. */

const BODY = '{"id":"evt_1","text":"gr\u00fc\u00dfe \u{1f600} \\u00fc","n":12345678901234567890}'
const seconds = (ms: number) => Math.floor(ms / 1000)
const named = (id: string): Provider => {
  const provider = providerOf(id)
  if (!provider) throw new Error(id)
  return provider
}
const headerOf = ({ headers }: Sent, name: string): string => {
  const found = headers.find(header => header[0].toLowerCase() === name.toLowerCase())
  if (!found) throw new Error(`no ${name}`)
  return found[1]
}
/** Flips the lowest bit of one character that is a letter or digit in the middle of the text. */
function changed(text: string): string {
  const at = [...text].findIndex((char, index) => index >= text.length / 2 && /[A-Za-z1-8]/.test(char))
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1)
}

interface Signer {
  readonly id: string
  readonly secret: string
  readonly body: string
  readonly url?: string
  readonly contentType?: string
  /** Signed by the official code. */
  sign(nowMs: number): HeaderList | Promise<HeaderList>
}

const stripeSecret = 'whsec_of_a_test'
const standardSecret = named('standard-webhooks').secret.create()
const token = '12345678901234567890123456789012'
const jsonUrl = `https://hooks.example.com/in?a=1&bodySHA256=${twilio.getExpectedBodyHash(BODY)}`
const form = 'Body=It%27s+on%21&From=%2B14158675309&Empty=&Media=b&Media=a&Media=a'
const parameters = { Body: "It's on!", From: '+14158675309', Empty: '', Media: ['b', 'a', 'a'] }

const signers: readonly Signer[] = [
  {
    id: 'github',
    secret: 'It is a secret to everybody',
    body: BODY,
    sign: async () => [['X-Hub-Signature-256', await octokitSign('It is a secret to everybody', BODY)]],
  },
  {
    id: 'stripe',
    secret: stripeSecret,
    body: BODY,
    sign: nowMs => [
      [
        'Stripe-Signature',
        Stripe.webhooks.generateTestHeaderString({ payload: BODY, secret: stripeSecret, timestamp: seconds(nowMs) }),
      ],
    ],
  },
  {
    id: 'standard-webhooks',
    secret: standardSecret,
    body: BODY,
    sign: nowMs => [
      ['webhook-id', 'msg_1'],
      ['webhook-timestamp', String(seconds(nowMs))],
      ['webhook-signature', new Webhook(standardSecret).sign('msg_1', new Date(nowMs), BODY)],
    ],
  },
  {
    id: 'twilio',
    secret: token,
    body: BODY,
    url: jsonUrl,
    sign: () => [['X-Twilio-Signature', twilio.getExpectedTwilioSignature(token, jsonUrl, {})]],
  },
  {
    id: 'twilio',
    secret: token,
    body: form,
    contentType: FORM,
    sign: () => [['X-Twilio-Signature', twilio.getExpectedTwilioSignature(token, URL_OF_HOOK, parameters)]],
  },
]

const sentBy = async (signer: Signer, nowMs: number = NOW): Promise<Sent> => ({
  headers: [['Content-Type', signer.contentType ?? 'application/json'], ...(await signer.sign(nowMs))],
  body: signer.body,
  url: signer.url ?? URL_OF_HOOK,
})

describe.each(signers)('what the official code of $id signs, $contentType', signer => {
  const provider = named(signer.id)
  const gate = (nowMs = NOW) => gateFor({ provider: signer.id }, signer.secret, nowMs)

  it('is let in as it stands, and refused with one byte changed anywhere', async () => {
    const sent = await sentBy(signer)
    expect(await verdict(gate()(sent))).toBe('true')
    expect(await verdict(gate()({ ...sent, body: changed(signer.body) }))).toBe('signature.mismatch')
    expect(await verdict(gate()({ ...sent, body: `${signer.body} ` }))).toBe('signature.mismatch')
    for (const name of provider.scheme.headers) {
      const headers = sent.headers.map(
        ([key, value]) => [key, key.toLowerCase() === name.toLowerCase() ? changed(value) : value] as const,
      )
      expect(await verdict(gate()({ ...sent, headers })), name).toMatch(/^signature\.(mismatch|malformed|expired)$/)
      const without = sent.headers.filter(([key]) => key.toLowerCase() !== name.toLowerCase())
      expect(await verdict(gate()({ ...sent, headers: without })), name).toBe('signature.missing')
      const twice = sent.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase())
      expect(await verdict(gate()({ ...sent, headers: [...sent.headers, ...twice] })), name).toBe('signature.malformed')
    }
    if (signer.id === 'twilio')
      for (const url of [changed(sent.url ?? ''), `${sent.url}&b=2`, (sent.url ?? '').replace('https:', 'http:')])
        expect(await verdict(gate()({ ...sent, url })), url).toMatch(/^signature\.(mismatch|malformed)$/)
    expect(await verdict(gateFor({ provider: signer.id }, provider.secret.create(), NOW)(sent))).toBe(
      'signature.mismatch',
    )
  })

  it.runIf(provider.scheme.tolerance !== undefined)(
    'is let in for exactly the tolerance, before and after',
    async () => {
      const sent = await sentBy(signer)
      for (const off of [0, 300_000, 300_999, -300_000])
        expect(await verdict(gate(NOW + off)(sent)), String(off)).toBe('true')
      for (const off of [301_000, -301_000, 86_400_000, -86_400_000])
        expect(await verdict(gate(NOW + off)(sent)), String(off)).toBe('signature.expired')
      const narrow = (off: number) => gateFor({ provider: signer.id, tolerance: '10s' }, signer.secret, NOW + off)
      expect(await verdict(narrow(10_000)(sent))).toBe('true')
      expect(await verdict(narrow(11_000)(sent))).toBe('signature.expired')
    },
  )
})

describe('what this side signs, the official code takes', () => {
  it('github', async () => {
    const sent = signWith(named('github'), 'secret', { body: Buffer.from(BODY) })
    expect(await octokitVerify('secret', BODY, headerOf(sent, 'X-Hub-Signature-256'))).toBe(true)
    expect(await octokitVerify('other', BODY, headerOf(sent, 'X-Hub-Signature-256'))).toBe(false)
  })

  it('stripe', () => {
    const header = headerOf(signWith(named('stripe'), stripeSecret, { body: Buffer.from(BODY) }), 'Stripe-Signature')
    const take = (body: string) => Stripe.webhooks.constructEvent(body, header, stripeSecret, 300, undefined, NOW)
    expect(take(BODY).id).toBe('evt_1')
    expect(() => take(`${BODY} `)).toThrow(/signature/)
  })

  it('standard-webhooks', () => {
    const nowMs = Date.now() // the library has no clock to hand in
    const sent = signWith(named('standard-webhooks'), standardSecret, { body: Buffer.from(BODY), nowMs })
    const headers = Object.fromEntries(sent.headers.map(([name, value]) => [name, value]))
    expect(new Webhook(standardSecret).verify(BODY, headers)).toMatchObject({ id: 'evt_1' })
    expect(() => new Webhook(standardSecret).verify(`${BODY} `, headers)).toThrow(/signature/)
  })

  it('twilio, JSON and form', () => {
    const json = signWith(named('twilio'), token, { body: Buffer.from(BODY) })
    expect(json.url).toBe(jsonUrl)
    expect(twilio.validateRequestWithBody(token, headerOf(json, 'X-Twilio-Signature'), jsonUrl, BODY)).toBe(true)
    const posted = signWith(named('twilio'), token, { body: Buffer.from(form), contentType: FORM })
    expect(posted.url).toBe(URL_OF_HOOK)
    expect(twilio.validateRequest(token, headerOf(posted, 'X-Twilio-Signature'), URL_OF_HOOK, parameters)).toBe(true)
  })
})

describe('twilio', () => {
  const gate = gateFor({ provider: 'twilio' }, token)
  const signed = (url: string, params: Record<string, unknown> = {}): [string, string] => [
    'X-Twilio-Signature',
    twilio.getExpectedTwilioSignature(token, url, params),
  ]

  it('finds the URL with the port, without it, and with quotes escaped', async () => {
    const url = "https://hooks.example.com/in?a='b'"
    const variants = [url, "https://hooks.example.com:443/in?a='b'", 'https://hooks.example.com/in?a=%27b%27']
    for (const each of variants)
      expect(await verdict(gate({ headers: [signed(each)], body: '', url })), each).toBe('true')
    const other = signed('https://hooks.example.com:8443/in?a=1')
    expect(await verdict(gate({ headers: [other], body: '', url: 'https://hooks.example.com/in?a=1' }))).toBe(
      'signature.mismatch',
    )
  })

  it('leaves no body unsigned', async () => {
    const urlOnly = signed(URL_OF_HOOK)
    const send = (body: string, type?: string, url = URL_OF_HOOK, header = urlOnly) =>
      verdict(gate({ headers: [...(type === undefined ? [] : [['Content-Type', type] as const]), header], body, url }))
    expect(await send('')).toBe('true')
    expect(await send('{}', 'application/json')).toBe('signature.malformed')
    expect(await send('x')).toBe('signature.malformed')
    expect(await send('a=1', FORM)).toBe('signature.mismatch')
    // A signed JSON request can not be passed off as an empty form.
    expect(await send('', FORM, jsonUrl, signed(jsonUrl))).toBe('signature.mismatch')
    expect(await send('&&', FORM, jsonUrl, signed(jsonUrl))).toBe('signature.mismatch')
  })

  it('refuses more parameters than are signed', async () => {
    const many = Array.from({ length: 1000 }, (_, at) => `p${at}=1`).join('&')
    const params = Object.fromEntries(new URLSearchParams(many))
    const send = (body: string) =>
      verdict(gate({ headers: [['Content-Type', FORM], signed(URL_OF_HOOK, params)], body }))
    expect(await send(many)).toBe('true')
    expect(await send(`${many}&extra=1`)).toBe('signature.malformed')
  })
})
