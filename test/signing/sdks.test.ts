import { sign as signForGitHub } from '@octokit/webhooks-methods'
import { Webhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { getExpectedTwilioSignature, validateRequest, validateRequestWithBody } from 'twilio/lib/webhooks/webhooks.js'
import { describe, expect, it } from 'vitest'
import { gate, outcome, provider, type Sent, signed, URL_GIVEN } from '../checks/sent.ts'
import { NOW } from '../checks/testCheck.ts'
import { credentials } from '../support/signed.ts'

const SECOND = Math.floor(NOW / 1000)
const JSON_BODY = JSON.stringify({ id: 'evt_1', text: 'Grüße 👋', big: '12345678901234567890' })
const FORM_BODY = 'From=%2B491701234567&Body=Gr%C3%BC%C3%9Fe+%F0%9F%91%8B&Body=again&MessageSid=SM1&Empty='
const FORM = 'application/x-www-form-urlencoded'
const TOKEN = '0123456789abcdef0123456789abcdef'

function flip(text: string, at: number): string {
  return text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1)
}

/** What the provider's own library signed: accepted as it is, refused with one character changed in any place. */
function holds(id: string, secret: string, sent: Sent, places: Readonly<Record<string, (sent: Sent) => Sent>>): void {
  describe(id, () => {
    const check = gate(id, secret)
    it('accepts what the official library signed', () => {
      expect(outcome(check(sent))).toBe('ok')
    })
    it.each(Object.entries(places))('refuses it with a changed %s', (_place, change) => {
      expect(outcome(check(change(sent)))).toMatch(/^signature\.(mismatch|malformed)$/)
    })
    it('refuses it under another secret', () => {
      expect(outcome(gate(id, credentials(provider(id)).held)(sent))).toBe('signature.mismatch')
    })
  })
}

const header = (name: string, change: (value: string) => string) => (sent: Sent) => ({
  ...sent,
  headers: { ...sent.headers, [name]: change(String(sent.headers[name])) },
})
const body = (sent: Sent): Sent => ({ ...sent, body: flip(String(sent.body), 12) })

describe('signed by the official libraries', () => {
  const stripe = new Stripe('sk_test_unused').webhooks
  const stripeHeader = stripe.generateTestHeaderString({
    payload: JSON_BODY,
    secret: 'whsec_of_a_test',
    timestamp: SECOND,
  })
  holds(
    'stripe',
    'whsec_of_a_test',
    { headers: { 'Stripe-Signature': stripeHeader, 'Content-Type': 'application/json' }, body: JSON_BODY },
    {
      body,
      timestamp: header('Stripe-Signature', value => value.replace(`t=${SECOND}`, `t=${SECOND + 1}`)),
      signature: header('Stripe-Signature', value => flip(value, value.length - 3)),
      version: header('Stripe-Signature', value => value.replace('v1=', 'v0=')),
      'second timestamp': header('Stripe-Signature', value => `${value},t=${SECOND + 1}`),
    },
  )

  const secret = credentials(provider('standard-webhooks')).held
  holds(
    'standard-webhooks',
    secret,
    {
      headers: {
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(SECOND),
        'webhook-signature': new Webhook(secret).sign('msg_1', new Date(NOW), JSON_BODY),
      },
      body: JSON_BODY,
    },
    {
      body,
      id: header('webhook-id', () => 'msg_2'),
      timestamp: header('webhook-timestamp', () => String(SECOND - 1)),
      signature: header('webhook-signature', value => flip(value, 10)),
      version: header('webhook-signature', value => value.replace('v1,', 'v1a,')),
    },
  )

  const form = Object.fromEntries([
    ['From', '+491701234567'],
    ['Body', ['Grüße 👋', 'again']],
    ['MessageSid', 'SM1'],
    ['Empty', ''],
  ]) as Record<string, string | string[]>
  holds(
    'twilio',
    TOKEN,
    {
      url: `${URL_GIVEN}?a=1`,
      headers: {
        'X-Twilio-Signature': getExpectedTwilioSignature(TOKEN, `${URL_GIVEN}?a=1`, form),
        'Content-Type': FORM,
      },
      body: FORM_BODY,
    },
    {
      body,
      URL: sent => ({ ...sent, url: `${URL_GIVEN}?a=2` }),
      host: sent => ({ ...sent, url: 'https://hooks.example.org/hooks/x?a=1' }),
      scheme: sent => ({ ...sent, url: 'http://hooks.example.com/hooks/x?a=1' }),
      signature: header('X-Twilio-Signature', value => flip(value, 5)),
      type: header('Content-Type', () => 'application/json'),
    },
  )

  it('GitHub', async () => {
    const signature = await signForGitHub('a secret', JSON_BODY)
    const check = gate('github', 'a secret')
    const sent = { headers: { 'X-Hub-Signature-256': signature }, body: JSON_BODY }
    expect(outcome(check(sent))).toBe('ok')
    expect(outcome(check(body(sent)))).toBe('signature.mismatch')
    expect(outcome(check(header('X-Hub-Signature-256', value => flip(value, 20))(sent)))).toBe('signature.mismatch')
    expect(outcome(check({ ...sent, headers: { 'X-Hub-Signature': signature } }))).toBe('signature.missing')
  })
})

describe('verified by the official libraries', () => {
  it('Stripe', () => {
    const { headers } = signed('stripe', 'whsec_of_a_test', Buffer.from(JSON_BODY), 'application/json', Date.now())
    const event = new Stripe('sk_test_unused').webhooks.constructEvent(
      JSON_BODY,
      String(headers['Stripe-Signature']),
      'whsec_of_a_test',
    )
    expect(event.id).toBe('evt_1')
  })

  it('Standard Webhooks', () => {
    const secret = credentials(provider('standard-webhooks')).held
    const { headers } = signed('standard-webhooks', secret, Buffer.from(JSON_BODY), 'application/json', Date.now())
    expect(new Webhook(secret).verify(JSON_BODY, headers as Record<string, string>)).toMatchObject({ id: 'evt_1' })
  })

  it('Twilio, a form and JSON', () => {
    const form = signed('twilio', TOKEN, Buffer.from('b=2&a=1&b=1&b=2'), FORM)
    const given = String(form.headers['X-Twilio-Signature'])
    expect(validateRequest(TOKEN, given, form.url ?? '', { a: '1', b: ['2', '1', '2'] })).toBe(true)
    const json = signed('twilio', TOKEN, Buffer.from(JSON_BODY))
    expect(json.url).toMatch(/\?bodySHA256=[0-9a-f]{64}$/)
    const header = String(json.headers['X-Twilio-Signature'])
    expect(validateRequestWithBody(TOKEN, header, json.url ?? '', JSON_BODY)).toBe(true)
  })
})

describe('Twilio', () => {
  const check = gate('twilio', TOKEN)
  const sign = (url: string, params: Record<string, string | string[]> = {}) => ({
    'X-Twilio-Signature': getExpectedTwilioSignature(TOKEN, url, params),
  })

  it.each([
    ['with the default port where it came without', 'https://h.example:443/in', 'https://h.example/in'],
    ['without the port where it came with the default one', 'https://h.example/in', 'https://h.example:443/in'],
    ['of plain HTTP with port 80', 'http://h.example:80/in', 'http://h.example/in'],
    ['with an apostrophe as %27', 'https://h.example/in?a=it%27s', "https://h.example/in?a=it's"],
    ['with an apostrophe as %27 and a port', 'https://h.example:8443/?a=it%27s', "https://h.example:8443/?a=it's"],
    ['without the port that it has', 'https://h.example/in', 'https://h.example:8443/in'],
    ['with an apostrophe as it is', "https://h.example/in?a=it's", "https://h.example/in?a=it's"],
  ])('accepts a URL signed %s', (_name, signedUrl, url) => {
    expect(outcome(check({ url, method: 'GET', headers: sign(signedUrl), body: '' }))).toBe('ok')
  })

  it('refuses a URL signed with another port', () => {
    const sent = { url: 'https://h.example/in', method: 'GET', headers: sign('https://h.example:8443/in'), body: '' }
    expect(outcome(check(sent))).toBe('signature.mismatch')
  })

  it('refuses JSON whose hash is not in the signed URL, whatever the signature', () => {
    const headers = { ...sign(URL_GIVEN), 'Content-Type': 'application/json' }
    expect(check({ headers, body: '{}' })).toMatchObject({
      code: 'signature.malformed',
      evidence: { why: expect.stringContaining('bodySHA256') },
    })
  })

  it('refuses a captured JSON request whose body was taken away or became an empty form', () => {
    const json = signed('twilio', TOKEN, Buffer.from(JSON_BODY))
    expect(outcome(check(json))).toBe('ok')
    for (const type of ['application/json', FORM])
      for (const body of ['', '&', '&&', '{}']) {
        const headers = { ...json.headers, 'Content-Type': type }
        expect(outcome(check({ ...json, headers, body })), `${type} ${body}`).toBe('signature.mismatch')
        // Twilio's library also takes the query decoded and escaped again, so the name may hide.
        const url = json.url?.replace('bodySHA256', 'bodySHA25%36') ?? ''
        expect(outcome(check({ ...json, headers, url, body })), `${url} ${body}`).toBe('signature.mismatch')
      }
  })

  it('accepts a query that was signed decoded and escaped again, with every parameter of it', () => {
    const many = Array.from({ length: 1000 }, (_, index) => `p${index}=1`).join('&')
    const url = `https://h.example/in?a=it's+b&${many}`
    const headers = sign(`https://h.example/in?a=it's%20b&${many}`)
    expect(outcome(check({ url, method: 'GET', headers, body: '' }))).toBe('ok')
    expect(outcome(check({ url: `${url}&more=1`, method: 'GET', headers, body: '' }))).toBe('signature.mismatch')
  })

  it('refuses a path whose dot segments lead to the one that was signed', () => {
    const headers = sign('https://h.example/in')
    for (const url of ['https://h.example/x/../in', 'https://h.example/x/%2e%2e/in', 'https://h.example/./in'])
      expect(outcome(check({ url, method: 'GET', headers, body: '' })), url).toBe('signature.mismatch')
  })

  it('refuses parameters that hide behind a flood of repeated ones, which do not count in the signature', () => {
    const headers = { ...sign(URL_GIVEN, { a: '1' }), 'Content-Type': FORM }
    expect(outcome(check({ headers, body: 'a=1' }))).toBe('ok')
    expect(outcome(check({ headers, body: 'a=1&a=1' }))).toBe('ok')
    expect(outcome(check({ headers, body: `${'a=1&'.repeat(1000)}evil=1` }))).toBe('signature.malformed')
  })
})
