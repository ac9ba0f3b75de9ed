import { createPublicKey } from 'node:crypto'
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { gate, outcome, provider, type Sent, signed, URL_GIVEN } from '../checks/sent.ts'
import { NOW } from '../checks/testCheck.ts'
import { credentials } from '../support/signed.ts'

/** The official libraries as the other side of services that sign inside the body, in a token, or under a public key. */

// None of them is told to the compiler as it is used here; each says what it takes of the library.
const load: (name: string) => unknown = createRequire(import.meta.url)
const FORM = 'application/x-www-form-urlencoded'
const BODY = Buffer.from('{"id":"evt_1","text":"Grüße 👋"}\r\n')
const held = (id: string) => credentials(provider(id)).held
const textOf = ({ body }: Sent): string => body.toString()
const headerOf = ({ headers }: Sent, name: string): string => String(headers[name])

describe('Adyen', () => {
  const { default: HmacValidator } = load('@adyen/api-library/lib/src/utils/hmacValidator.js') as {
    default: new () => {
      calculateHmac(item: unknown, key: string): string
      validateHMAC(item: unknown, key: string): boolean
    }
  }
  const validator = new HmacValidator()
  const key = held('adyen')
  const item = {
    pspReference: 'QFQTPCQ8HXSKGK82',
    merchantAccountCode: 'Account',
    merchantReference: 'Grüße: 7',
    amount: { currency: 'EUR', value: 1000 },
    eventCode: 'AUTHORISATION',
    eventDate: '2026-11-24T10:00:00+01:00',
    success: 'true',
  }
  it('takes what the library signed', () => {
    const additionalData = { hmacSignature: validator.calculateHmac(item, key) }
    const notificationItems = [{ NotificationRequestItem: { ...item, additionalData } }]
    const sent = { headers: {}, body: JSON.stringify({ live: 'false', notificationItems }) }
    expect(outcome(gate('adyen', key)(sent))).toBe('ok')
    expect(outcome(gate('adyen', held('adyen'))(sent))).toBe('signature.mismatch')
  })
  it('signs what the library takes', () => {
    const body = JSON.stringify({ live: 'false', notificationItems: [{ NotificationRequestItem: item }] })
    const sent = JSON.parse(textOf(signed('adyen', key, Buffer.from(body))))
    const [{ NotificationRequestItem: one }] = sent.notificationItems
    expect(validator.validateHMAC(one, key)).toBe(true)
    expect(validator.validateHMAC({ ...one, success: 'false' }, key)).toBe(false)
  })
})

describe('Braintree', () => {
  const braintree = load('braintree') as {
    Environment: { Sandbox: unknown }
    BraintreeGateway: new (
      config: unknown,
    ) => {
      webhookTesting: { sampleNotification(kind: string, id: string): { bt_signature: string; bt_payload: string } }
      webhookNotification: { parse(signature: string | null, payload: string): Promise<unknown> }
    }
  }
  const pair = held('braintree')
  const [publicKey = '', privateKey = ''] = pair.split(':')
  const environment = braintree.Environment.Sandbox
  const library = new braintree.BraintreeGateway({ environment, merchantId: 'merchant', publicKey, privateKey })
  const { bt_signature, bt_payload } = library.webhookTesting.sampleNotification('check', 'my_id')
  it('takes what the library signed', () => {
    const sent = (payload: string): Sent => ({
      headers: { 'Content-Type': FORM },
      body: new URLSearchParams({ bt_signature, bt_payload: payload }).toString(),
    })
    expect(outcome(gate('braintree', pair)(sent(bt_payload)))).toBe('ok')
    expect(outcome(gate('braintree', pair)(sent(`A${bt_payload}`)))).toBe('signature.mismatch')
    expect(outcome(gate('braintree', `${publicKey}:another`)(sent(bt_payload)))).toBe('signature.mismatch')
  })
  it('signs what the library takes', async () => {
    const xml = Buffer.from(bt_payload, 'base64')
    const form = new URLSearchParams(textOf(signed('braintree', pair, xml, FORM)))
    const parse = (payload: string) => library.webhookNotification.parse(form.get('bt_signature'), payload)
    const payload = form.get('bt_payload') ?? ''
    expect(await parse(payload)).toMatchObject({ kind: 'check' })
    await expect(parse(`A${payload}`)).rejects.toMatchObject({ type: 'invalidSignatureError' })
  })
})

it('MessageBird: signs what the library takes', async () => {
  const { verify, VerifyOptions } = load('messagebird/lib/webhook-signature-jwt.js') as {
    verify(url: string, body: Buffer, token: string, key: Buffer, options: unknown): Promise<boolean>
    VerifyOptions: new () => { jwtVerifyOptions: { currentDate?: Date } }
  }
  const secret = held('messagebird')
  const token = headerOf(signed('messagebird', secret, BODY), 'MessageBird-Signature-JWT')
  const options = new VerifyOptions()
  options.jwtVerifyOptions.currentDate = new Date(NOW)
  const key = Buffer.from(secret)
  expect(await verify(URL_GIVEN, BODY, token, key, options)).toBe(true)
  await expect(verify(`${URL_GIVEN}?`, BODY, token, key, options)).rejects.toThrow('url_hash')
})

it('SendGrid: signs what the library takes', () => {
  const { EventWebhook } = load('@sendgrid/eventwebhook') as {
    EventWebhook: new () => {
      convertPublicKeyToECDSA(pem: string | Buffer): unknown
      verifySignature(key: unknown, body: Buffer, signature: string, timestamp: string): boolean
    }
  }
  const library = new EventWebhook()
  const pair = credentials(provider('sendgrid'))
  const sent = signed('sendgrid', pair.held, BODY)
  const der = Buffer.from(pair.given, 'base64')
  const pem = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({ format: 'pem', type: 'spki' })
  const verify = (body: Buffer) =>
    library.verifySignature(
      library.convertPublicKeyToECDSA(pem),
      body,
      headerOf(sent, 'X-Twilio-Email-Event-Webhook-Signature'),
      headerOf(sent, 'X-Twilio-Email-Event-Webhook-Timestamp'),
    )
  expect(verify(BODY)).toBe(true)
  expect(verify(BODY.subarray(0, -2))).toBe(false)
})

it('Vonage: signs what the library takes', () => {
  const { verifySignature } = load('@vonage/jwt') as { verifySignature(token: string, secret: string): boolean }
  const secret = held('vonage')
  const token = headerOf(signed('vonage', secret, BODY), 'Authorization').slice('Bearer '.length)
  expect(verifySignature(token, secret)).toBe(true)
  expect(verifySignature(token, 'another')).toBe(false)
})
