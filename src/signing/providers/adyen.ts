import { hash, timingSafeEqual } from 'node:crypto'
import type { BodyRequest } from '../../core/request.ts'
import { isObject } from '../challenge.ts'
import { decodeExactly } from '../encoding.ts'
import { withMember } from '../json-member.ts'
import { readJsonObject } from '../jws.ts'
import { MacKey } from '../mac.ts'
import type { Provider } from '../provider.ts'
import {
  fault,
  type Scheme,
  type SignatureFault,
  type SignatureVerdict,
  type SigningKey,
  type SyncVerifier,
  triedKeys,
} from '../scheme.ts'
import { decodedSecret } from '../secret-forms.ts'

const MEMBER = 'additionalData.hmacSignature'
/** Adyen sends one in JSON, and at most six over SOAP. */
const MOST_ITEMS = 100

type Item = Readonly<Record<string, unknown>>

/** Of a notification; a text says why it has none. */
function itemsOf(body: unknown): readonly Item[] | string {
  const list = isObject(body) ? body.notificationItems : undefined
  if (!Array.isArray(list) || list.length === 0) return 'the body is no JSON with notificationItems'
  if (list.length > MOST_ITEMS) return `it has more than ${MOST_ITEMS} notificationItems`
  const items = list.map((entry: unknown) => (isObject(entry) ? entry.NotificationRequestItem : undefined))
  return items.every(isObject) ? items : 'an entry of notificationItems has no NotificationRequestItem'
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  // Of larger numbers several are one here.
  return typeof value === 'boolean' || Number.isSafeInteger(value) ? String(value) : undefined
}

/**
 * What is signed of an item. `undefined` where a field is no text, or one holds a colon that never does: nothing is
 * escaped, so that a colon elsewhere than in the merchant's own reference would let one field's end pass for another's
 * beginning.
 */
function signedText(item: Item): string | undefined {
  const amount = isObject(item.amount) ? item.amount : {}
  const fields = [
    item.pspReference,
    item.originalReference,
    item.merchantAccountCode,
    item.merchantReference,
    amount.value,
    amount.currency,
    item.eventCode,
    item.success,
  ].map(textOf)
  const whole = fields.every((text, at) => text !== undefined && (at === 3 || !text.includes(':')))
  return whole ? fields.join(':') : undefined
}

const macOf = (key: MacKey, text: string): Buffer => key.mac('', Buffer.from(text), '')

class AdyenVerifier implements SyncVerifier {
  readonly #keys: readonly SigningKey[]
  readonly #macs: readonly { readonly key: SigningKey; readonly mac: MacKey }[]

  constructor(keys: readonly SigningKey[]) {
    this.#keys = keys
    this.#macs = keys.map(key => ({ key, mac: new MacKey('sha256', key.bytes) }))
  }

  foresee(): undefined {
    return undefined
  }

  verify(request: BodyRequest, nowMs: number): SignatureVerdict {
    const items = itemsOf(request.peekJson())
    if (typeof items === 'string') return fault('signature.malformed', { why: items })
    const nonces = new Set<string>()
    let name = ''
    for (const [index, item] of items.entries()) {
      const found = this.#verified(item, index, nowMs, request.raw.length)
      if ('ok' in found) return found
      if (nonces.has(found.nonce))
        return fault('signature.malformed', { item: index, why: 'an item of notificationItems comes twice' })
      nonces.add(found.nonce)
      if (index === 0) name = found.key
    }
    const [only = ''] = nonces
    const nonce = nonces.size === 1 ? only : hash('sha256', [...nonces].sort().join(), 'hex')
    return { ok: true, key: name, nonce, id: undefined, timestamp: undefined }
  }

  #verified(
    item: Item,
    index: number,
    nowMs: number,
    bytes: number,
  ): { readonly key: string; readonly nonce: string } | SignatureFault {
    const data = item.additionalData
    const told = isObject(data) ? data.hmacSignature : undefined
    if (told === undefined || told === null || told === '')
      return fault('signature.missing', { field: MEMBER, item: index })
    const signature = typeof told === 'string' ? decodeExactly(told, 'base64', 32) : undefined
    if (signature === undefined)
      return fault('signature.malformed', {
        field: MEMBER,
        item: index,
        why: 'the signature is not 32 bytes (sha256) in base64',
      })
    const text = signedText(item)
    if (text === undefined)
      return fault('signature.malformed', {
        item: index,
        why: 'a signed field is no text, or holds a ":" that lets the fields be read in two ways',
      })
    for (const { key, mac } of this.#macs) {
      if (key.expires !== undefined && key.expires < nowMs) continue
      const computed = macOf(mac, text)
      if (timingSafeEqual(computed, signature)) return { key: key.name, nonce: computed.toString('hex') }
    }
    return fault('signature.mismatch', {
      field: MEMBER,
      item: index,
      ...triedKeys(this.#keys, nowMs),
      'body-bytes': bytes,
    })
  }
}

const scheme: Scheme = {
  kind: 'hmac-sha256',
  headers: [],
  partOfBody: true,
  tolerance: undefined,
  verifier: keys => new AdyenVerifier(keys),
  sign: () => [],
  body({ body }, key) {
    const mac = new MacKey('sha256', key)
    const hmacOf = (item: Item): string => macOf(mac, signedText(item) ?? '').toString('base64')
    const given = readJsonObject(body)
    const items = itemsOf(given)
    if (typeof items !== 'string') {
      const signed = items.map(item => {
        const data = isObject(item.additionalData) ? item.additionalData : {}
        return { NotificationRequestItem: { ...item, additionalData: { ...data, hmacSignature: hmacOf(item) } } }
      })
      return Buffer.from(JSON.stringify({ ...given, notificationItems: signed }))
    }
    // A body that is no notification is sent as the one item of it.
    const item = withMember(body, 'additionalData', { hmacSignature: hmacOf(given ?? {}) })?.toString('utf8')
    return item === undefined
      ? body
      : Buffer.from(`{"live":"false","notificationItems":[{"NotificationRequestItem":${item}}]}`)
  },
}

export const adyen: Provider = {
  id: 'adyen',
  name: 'Adyen: payments',
  page: 'https://docs.adyen.com/development-resources/webhooks/secure-webhooks/verify-hmac-signatures',
  summary:
    'HMAC-SHA256 over eight fields of every item, with ":" between them, base64, in its additionalData.hmacSignature. The rest of the body is not signed.',
  scheme,
  secret: decodedSecret(
    'hex',
    {
      looks: '64 hexadecimal digits; they are decoded before they are the key',
      where: 'Adyen Customer Area: Developers, Webhooks, the standard webhook, Security, HMAC key.',
      madeBy: 'service',
    },
    32,
  ),
  traps: [
    'Signed are pspReference, originalReference, merchantAccountCode, merchantReference, amount.value, amount.currency, eventCode and success. All else of an item can be changed by whoever captures it.',
    'Every item must verify, and none may come twice; replay knows the notification as a whole, by what its items sign.',
    'Nothing is escaped between the colons, so a colon is taken in merchantReference alone.',
    'Choose JSON as the method of the webhook: forms and SOAP do not verify here.',
    'Balance Platform and Management webhooks sign the whole body in a header: use adyen-platform.',
    'Adyen can send a user name and a password as well: add basic.',
  ],
  response: '2xx.',
}
