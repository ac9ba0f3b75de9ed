import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { BodyRequest } from '../../core/request.ts'
import { FORM, fieldOf, formOf } from '../body-fields.ts'
import { decodeExactly } from '../encoding.ts'
import { MacKey } from '../mac.ts'
import { type Provider, SecretFault } from '../provider.ts'
import {
  fault,
  type Scheme,
  type SignatureFault,
  type SignatureVerdict,
  type SigningKey,
  type SyncVerifier,
  triedKeys,
} from '../scheme.ts'

const SIGNATURE = 'bt_signature'
const PAYLOAD = 'bt_payload'
const MOST_PAIRS = 10

/** What Braintree asks to be signed when it tries an endpoint, which must never pass for an event. */
export const CHALLENGE = /^[a-f0-9]{20,32}$/

/** `PUBLIC:PRIVATE` */
function split(bytes: Buffer): { readonly publicKey: string; readonly mac: MacKey } {
  const text = bytes.toString('utf8')
  const colon = text.indexOf(':')
  return {
    publicKey: text.slice(0, colon),
    mac: new MacKey('sha1', hash('sha1', text.slice(colon + 1), 'buffer')),
  }
}

/** What Braintree is to be answered when it tries an endpoint. @param challenge as `CHALLENGE` has it */
export function answerChallenge(challenge: string, key: Buffer): string {
  const { publicKey, mac } = split(key)
  return `${publicKey}|${mac.hex('', Buffer.from(challenge), '')}`
}

/** Its signatures by public key; `undefined` where it is no such list. */
function readPairs(text: string): readonly (readonly [publicKey: string, signature: Buffer])[] | undefined {
  const pairs = text.split('&', MOST_PAIRS + 1)
  if (pairs.length > MOST_PAIRS) return undefined
  const read = pairs.flatMap(pair => {
    const [publicKey = '', hex = '', more] = pair.split('|', 3)
    const signature = more === undefined ? decodeExactly(hex, 'hex', 20) : undefined
    return publicKey === '' || signature === undefined ? [] : [[publicKey, signature] as const]
  })
  return read.length === pairs.length ? read : undefined
}

class BraintreeVerifier implements SyncVerifier {
  readonly #keys: readonly SigningKey[]
  readonly #prepared: readonly { readonly key: SigningKey; readonly publicKey: string; readonly mac: MacKey }[]

  constructor(keys: readonly SigningKey[]) {
    this.#keys = keys
    this.#prepared = keys.map(key => ({ key, ...split(key.bytes) }))
  }

  foresee(): undefined {
    return undefined
  }

  verify(request: BodyRequest, nowMs: number): SignatureVerdict {
    const form = formOf(request)
    if (typeof form === 'string') return fault('signature.malformed', { why: form })
    const told = fieldOf(request, { form: SIGNATURE })
    const payload = fieldOf(request, { form: PAYLOAD })
    if (!told || !payload) return fault('signature.missing', { field: told ? PAYLOAD : SIGNATURE })
    if (form.length > 2)
      return fault('signature.malformed', { why: 'the form has further fields, which nobody signed' })
    if (!/^[A-Za-z0-9+/=\n]+$/.test(payload) || CHALLENGE.test(payload))
      return malformed(PAYLOAD, 'it is not base64, or the answer to a challenge')
    const pairs = readPairs(told)
    if (pairs === undefined)
      return malformed(SIGNATURE, 'it is not "PUBLIC KEY|40 hexadecimal digits", with "&" between')
    // Something on the way may have cut the line feed that was signed at the end.
    const texts = [Buffer.from(payload), Buffer.from(`${payload}\n`)]
    for (const { key, publicKey, mac } of this.#prepared) {
      if (key.expires !== undefined && key.expires < nowMs) continue
      const mine = pairs.filter(([name]) => name === publicKey)
      if (mine.length === 0) continue
      for (const text of texts) {
        const computed = mac.mac('', text, '')
        if (mine.some(([, signature]) => timingSafeEqual(computed, signature)))
          return { ok: true, key: key.name, nonce: computed.toString('hex'), id: undefined, timestamp: undefined }
      }
    }
    const known = pairs.some(([name]) => this.#prepared.some(({ publicKey }) => publicKey === name))
    return fault('signature.mismatch', {
      field: SIGNATURE,
      ...(known ? {} : { why: 'it is made with another public key than those of the config' }),
      ...triedKeys(this.#keys, nowMs),
      'body-bytes': request.raw.length,
    })
  }
}

function malformed(field: string, why: string): SignatureFault {
  return fault('signature.malformed', { field, why })
}

const scheme: Scheme = {
  kind: 'hmac-sha1',
  headers: [],
  tolerance: undefined,
  verifier: keys => new BraintreeVerifier(keys),
  sign: () => [],
  bodyType: FORM,
  body({ body, contentType }, key) {
    const { publicKey, mac } = split(key)
    const isForm = contentType.split(';', 1)[0]?.trim().toLowerCase() === FORM
    const given = isForm ? new URLSearchParams(body.toString('utf8')).get(PAYLOAD) : null
    const payload = given ?? `${body.toString('base64')}\n`
    const signature = `${publicKey}|${mac.hex('', Buffer.from(payload), '')}`
    const fields = new URLSearchParams({ [SIGNATURE]: signature, [PAYLOAD]: payload })
    return Buffer.from(fields.toString())
  },
}

export const braintree: Provider = {
  id: 'braintree',
  name: 'Braintree',
  page: 'https://developer.paypal.com/braintree/docs/guides/webhooks/parse',
  summary:
    "HMAC-SHA1 over the base64 text in bt_payload, keyed with the SHA-1 of the private key, hexadecimal, behind the public key in bt_signature. As Braintree's own library verifies it.",
  scheme,
  secret: {
    looks: 'the public key, a colon, and the private key that belongs to it',
    where: 'Braintree Control Panel: the gear, API, Keys.',
    madeBy: 'service',
    parse(secret) {
      if (!/^[^:|&\s]+:[^:\s]+$/.test(secret.text()))
        throw new SecretFault(
          'the Braintree secret is not a public key, a colon and a private key',
          'write PUBLIC:PRIVATE, both as the Control Panel shows them',
        )
      return secret.bytes()
    },
    create: () => `${randomBytes(8).toString('hex')}:${randomBytes(16).toString('hex')}`,
  },
  traps: [
    'It is a form, and its event is XML in base64: the CRM receives the fields bt_signature and bt_payload.',
    'bt_payload is signed with the line feed at its end; without it, it is taken too.',
    "bt_signature has a pair for each of the account's keys, and only those whose public key is yours count.",
    'The timestamp in the XML is looked at by the upstream alone: add replay.',
    'A new endpoint is tried with a bt_challenge, which challenge answers while its window is open.',
  ],
  response: '2xx.',
  accept: ['form'],
}
