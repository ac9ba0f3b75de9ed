import { createHash, createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { gate, outcome, type Sent, signed } from '../checks/sent.ts'
import { NOW } from '../checks/testCheck.ts'

/** What surprises people about services that write the signature into the body. */

const FORM = 'application/x-www-form-urlencoded'
const hmac = (algorithm: string, key: string | Buffer, text: string, encoding: 'hex' | 'base64' = 'hex') =>
  createHmac(algorithm, key).update(text).digest(encoding)
const json = (value: unknown): Sent => ({
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(value),
})

describe('Mailgun', () => {
  const KEY = 'a webhook signing key'
  const SECOND = String(NOW / 1000)
  const TOKEN = 'e0b5477167110d68991efc6b9f89f0a11066af27834600e123'
  const signature = { timestamp: SECOND, token: TOKEN, signature: hmac('sha256', KEY, SECOND + TOKEN) }
  const check = gate('mailgun', KEY)
  const form = (fields: Record<string, string>): Sent => ({
    headers: { 'Content-Type': FORM },
    body: new URLSearchParams(fields).toString(),
  })

  it('knows an event by its signed token, so that another event beside it is a replay', () => {
    for (const id of ['one', 'another'])
      expect(check(json({ signature, 'event-data': { id } }))).toMatchObject({ ok: true, facts: { eventId: TOKEN } })
  })
  it('takes timestamps as numbers too, and the form of a message that a route forwards', () => {
    expect(outcome(check(json({ signature: { ...signature, timestamp: NOW / 1000 } })))).toBe('ok')
    expect(check(form({ ...signature, subject: 'Hello' }))).toMatchObject({ ok: true, facts: { eventId: TOKEN } })
  })
  it('takes the signature of the account above', () => {
    const under = { ...signature, signature: hmac('sha256', 'the subaccount', SECOND + TOKEN) }
    expect(outcome(check(json({ signature: under })))).toBe('signature.mismatch')
    expect(outcome(check(json({ signature: { ...under, 'parent-signature': signature.signature } })))).toBe('ok')
  })
  it('refuses a digit that is moved from the timestamp into the token', () => {
    const moved = { ...signature, timestamp: SECOND.slice(0, -1), token: SECOND.slice(-1) + TOKEN }
    expect(outcome(check(json({ signature: moved })))).toBe('signature.expired')
  })
  it.each(['timestamp', 'token', 'signature'])('refuses without %s', name => {
    const { [name]: _gone, ...rest } = { ...signature } as Record<string, string>
    expect(outcome(check(json({ signature: rest })))).toBe('signature.missing')
    expect(outcome(check(form(rest)))).toBe('signature.missing')
  })
  it('refuses fields that come twice, in either form', () => {
    const { body, headers } = form(signature)
    expect(outcome(check({ headers, body: `${body}&token=x` }))).toBe('signature.missing')
    const twice = JSON.stringify({ signature }).replace('{"timestamp"', '{"token":"x","timestamp"')
    expect(outcome(check({ ...json({}), body: twice }))).toBe('signature.missing')
  })
  it('refuses a form that is announced as JSON, or as multipart', () => {
    const { body } = form(signature)
    for (const type of ['application/json', 'multipart/form-data; boundary=x'])
      expect(outcome(check({ headers: { 'Content-Type': type }, body }))).toBe('signature.missing')
  })
})

describe('Adyen', () => {
  const KEY = 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00'
  const check = gate('adyen', KEY)
  const item = {
    pspReference: 'QFQTPCQ8HXSKGK82',
    originalReference: 'original',
    merchantAccountCode: 'Account',
    merchantReference: 'order',
    amount: { currency: 'EUR', value: 1000 },
    eventCode: 'AUTHORISATION',
    success: 'true',
  }
  type Item = Record<string, unknown>
  const entry = (one: Item, text: string) => ({
    NotificationRequestItem: {
      ...one,
      additionalData: { hmacSignature: hmac('sha256', Buffer.from(KEY, 'hex'), text, 'base64') },
    },
  })
  const TEXT = 'QFQTPCQ8HXSKGK82:original:Account:order:1000:EUR:AUTHORISATION:true'
  const good = entry(item, TEXT)
  const second = entry({ ...item, pspReference: 'B' }, TEXT.replace('QFQTPCQ8HXSKGK82', 'B'))
  const sent = (...notificationItems: unknown[]) => json({ live: 'false', notificationItems })

  it('takes what is missing as empty, and success as a word or a boolean', () => {
    const { originalReference: _gone, ...rest } = item
    expect(outcome(check(sent(entry(rest, TEXT.replace('original', '')))))).toBe('ok')
    expect(outcome(check(sent(entry({ ...item, success: true }, TEXT))))).toBe('ok')
  })
  it('verifies every item', () => {
    expect(outcome(check(sent(good, second)))).toBe('ok')
    const bad = structuredClone(second)
    Reflect.set(bad.NotificationRequestItem, 'success', 'false')
    expect(check(sent(good, bad))).toMatchObject({ code: 'signature.mismatch', evidence: { item: 1 } })
    const { additionalData: _gone, ...unsigned } = second.NotificationRequestItem
    expect(outcome(check(sent(good, { NotificationRequestItem: unsigned })))).toBe('signature.missing')
    expect(outcome(check(sent(good, {})))).toBe('signature.malformed')
    expect(outcome(check(sent(good, good)))).toBe('signature.malformed')
  })
  it('knows a notification whatever the order of its items, and whatever is written beside them', () => {
    const nonceOf = (given: Sent) => {
      const decision = check(given)
      return decision.ok === true ? decision.facts?.nonce : undefined
    }
    expect(nonceOf(sent(good, second))).toBeDefined()
    expect(nonceOf(sent(second, good))).toBe(nonceOf(sent(good, second)))
    const changed = structuredClone(good)
    Reflect.set(changed.NotificationRequestItem, 'reason', 'another')
    expect(nonceOf(sent(changed))).toBe(nonceOf(sent(good)))
  })
  it('lets no colon move the border between two fields', () => {
    const reference = entry({ ...item, merchantReference: 'a:b' }, TEXT.replace('order', 'a:b'))
    expect(outcome(check(sent(reference)))).toBe('ok')
    const { additionalData } = reference.NotificationRequestItem
    const moved = { ...item, merchantAccountCode: 'Account:a', merchantReference: 'b', additionalData }
    expect(outcome(check(sent({ NotificationRequestItem: moved })))).toBe('signature.malformed')
  })
  it.each([[[]], [[null]], ['text'], [{}]])('refuses notificationItems that are %j', notificationItems => {
    expect(outcome(check(json({ notificationItems })))).toBe('signature.malformed')
  })
  it('takes no number that several texts could mean', () => {
    const large = entry({ ...item, amount: { currency: 'EUR', value: 2 ** 53 } }, TEXT.replace('1000', `${2 ** 53}`))
    expect(outcome(check(sent(large)))).toBe('signature.malformed')
  })
})

describe('Braintree', () => {
  const PAIR = 'integration_public_key:integration_private_key'
  const key = createHash('sha1').update('integration_private_key').digest()
  const check = gate('braintree', PAIR)
  const XML = `${Buffer.from('<notification><kind>check</kind></notification>').toString('base64')}\n`
  const MAC = hmac('sha1', key, XML)
  const sent = (signature: string, payload = XML): Sent => ({
    headers: { 'Content-Type': FORM },
    body: new URLSearchParams({ bt_signature: signature, bt_payload: payload }).toString(),
  })
  const mine = `integration_public_key|${MAC}`

  it('takes the payload with its line feed, and without', () => {
    expect(outcome(check(sent(mine)))).toBe('ok')
    expect(outcome(check(sent(mine, XML.trimEnd())))).toBe('ok')
    expect(check(sent(mine, XML.trimEnd()))).toEqual(check(sent(mine)))
    expect(outcome(check(sent(mine, `${XML}\n`)))).toBe('signature.mismatch')
  })
  it('takes the pair of its own public key among others', () => {
    expect(outcome(check(sent(`other|${'0'.repeat(40)}&${mine}`)))).toBe('ok')
    expect(check(sent(`other|${MAC}`))).toMatchObject({
      code: 'signature.mismatch',
      evidence: { why: 'it is made with another public key than those of the config' },
    })
    expect(outcome(check(sent(`integration_public_key|${'0'.repeat(40)}`)))).toBe('signature.mismatch')
  })
  it.each([
    MAC,
    `|${MAC}`,
    `integration_public_key|${MAC.slice(1)}`,
    `integration_public_key|${MAC}|`,
    `${mine}&`,
    `${mine}&`.repeat(11),
  ])('refuses the list %j', signature => {
    expect(outcome(check(sent(signature)))).toBe('signature.malformed')
  })
  it('never takes the answer to a challenge for an event', () => {
    // The pair that Braintree publishes: what it was answered when it tried an endpoint.
    const answered = 'integration_public_key|d9b899556c966b3f06945ec21311865d35df3ce4'
    expect(`integration_public_key|${hmac('sha1', key, '20f9f8ed05f77439fe955c977e4c8a53')}`).toBe(answered)
    expect(outcome(check(sent(answered, '20f9f8ed05f77439fe955c977e4c8a53')))).toBe('signature.malformed')
  })
  it('refuses fields beside the two, characters that are not of base64, and a body that is no form', () => {
    const { headers, body } = sent(mine)
    expect(outcome(check({ headers, body: `${body}&more=1` }))).toBe('signature.malformed')
    expect(outcome(check({ headers, body: `${body}&bt_payload=x` }))).toBe('signature.missing')
    expect(outcome(check(sent(mine, `${XML}!`)))).toBe('signature.malformed')
    expect(outcome(check({ headers: { 'Content-Type': 'text/plain' }, body }))).toBe('signature.malformed')
  })
  it('wraps any body for sending', () => {
    const own = signed('braintree', PAIR, Buffer.from('<notification/>'), FORM)
    expect(new URLSearchParams(own.body.toString()).get('bt_payload')).toBe(`${btoa('<notification/>')}\n`)
    expect(outcome(check(own))).toBe('ok')
  })
})

describe('Microsoft Graph', () => {
  const check = gate('msgraph', 'mine')
  const value = (...states: unknown[]) => json({ value: states.map(clientState => ({ clientState, changeType: 'x' })) })
  it('wants the state in every entry', () => {
    expect(outcome(check(value('mine', 'mine')))).toBe('ok')
    expect(check(value('mine', 'other'))).toMatchObject({
      code: 'signature.mismatch',
      evidence: { field: 'value.1.clientState' },
    })
    expect(outcome(check(value('mine', null)))).toBe('signature.missing')
    expect(outcome(check(value(7)))).toBe('signature.malformed')
    expect(outcome(check(value()))).toBe('signature.malformed')
    expect(outcome(check(json([{ clientState: 'mine' }])))).toBe('signature.malformed')
  })
})
