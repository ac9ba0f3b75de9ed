import { createRequire } from 'node:module'
import { ofProvider, type Sender } from './sdk-sender.ts'

type Adyen = typeof import('@adyen/api-library/lib/src/utils/hmacValidator.js', { with: {
  'resolution-mode': 'require',
}})
type Notification = Parameters<InstanceType<Adyen['default']>['validateHMAC']>[0]
/** What is used of a library that brings no types. */
interface Braintree {
  readonly Environment: { readonly Sandbox: unknown }
  readonly BraintreeGateway: new (account: {
    environment: unknown
    merchantId: string
    publicKey: string
    privateKey: string
  }) => {
    readonly webhookTesting: {
      sampleNotification(kind: string, id: string): { bt_signature: string; bt_payload: string }
      sampleXml(kind: string, id: string): string
    }
    readonly webhookNotification: { parse(signature: string, payload: string): Promise<unknown> }
  }
}

const require = createRequire(import.meta.url)
const adyen: Adyen = require('@adyen/api-library/lib/src/utils/hmacValidator.js')
const braintree: Braintree = require('braintree')
const FORM = 'application/x-www-form-urlencoded'
const adyenValidator = new adyen.default()

/** @param keys as the gate is given them, PUBLIC:PRIVATE */
function accountOf(keys: string) {
  const [publicKey = '', privateKey = ''] = keys.split(':')
  const environment = braintree.Environment.Sandbox
  return new braintree.BraintreeGateway({ environment, merchantId: 'unused', publicKey, privateKey })
}

const formField = (body: string, name: string): string => new URLSearchParams(body).get(name) ?? ''

const itemOf = (body: string): Notification => JSON.parse(body).notificationItems[0].NotificationRequestItem

const notification = (id: string): string =>
  JSON.stringify({
    live: 'false',
    notificationItems: [
      {
        NotificationRequestItem: {
          additionalData: { shopperReference: 'Grüße 👋' },
          amount: { currency: 'EUR', value: 1130 },
          pspReference: id,
          eventCode: 'AUTHORISATION',
          eventDate: '2026-01-01T00:00:00+01:00',
          merchantAccountCode: 'TestMerchant',
          merchantReference: 'order: 17',
          success: 'true',
        },
      },
    ],
  })

/** The bytes of the values that Adyen signs, and of its signature. */
function adyenPlaces(body: string): number[] {
  const { pspReference, merchantAccountCode, merchantReference, eventCode, success, amount, additionalData } =
    itemOf(body)
  const signature = additionalData?.hmacSignature ?? ''
  const signed = [pspReference, merchantAccountCode, merchantReference, eventCode, success, amount.currency]
  const written = [...signed, signature].map(text => [`"${text}"`, 1] as const)
  return [...written, [`"value":${amount.value}`, '"value":'.length] as const].flatMap(([text, from]) => {
    const begin = Buffer.from(body).indexOf(text)
    const end = begin + text.length - (text.endsWith('"') ? 1 : 0)
    return Array.from({ length: end - begin - from }, (_, at) => begin + from + at)
  })
}

/** Services whose signature stands in the body. */
export const bodySenders: readonly Sender[] = [
  {
    name: 'adyen',
    ...ofProvider('adyen'),
    body: notification,
    seal({ body }, key) {
      const whole = JSON.parse(body)
      const item = itemOf(body)
      const additionalData = { ...item.additionalData, hmacSignature: adyenValidator.calculateHmac(item, key) }
      return JSON.stringify({
        ...whole,
        notificationItems: [{ NotificationRequestItem: { ...item, additionalData } }],
      })
    },
    signed: adyenPlaces,
    verify: ({ body }, key) => adyenValidator.validateHMAC(itemOf(body), key),
  },
  {
    name: 'braintree',
    ...ofProvider('braintree', FORM),
    body: id => accountOf('of:none').webhookTesting.sampleXml('subscription_canceled', id),
    arrives: ({ body }) => Object.fromEntries(new URLSearchParams(body)),
    seal: ({ id }, keys) =>
      new URLSearchParams(accountOf(keys).webhookTesting.sampleNotification('subscription_canceled', id)).toString(),
    verify: ({ body }, keys) =>
      accountOf(keys).webhookNotification.parse(formField(body, 'bt_signature'), formField(body, 'bt_payload')),
  },
]
