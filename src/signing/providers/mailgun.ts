import { eitherOf } from '../alternatives.ts'
import { FORM } from '../body-fields.ts'
import { type HmacDescription, hmacScheme } from '../hmac.ts'
import { withMember } from '../json-member.ts'
import { readJsonObject } from '../jws.ts'
import { MacKey } from '../mac.ts'
import { type Provider, textSecret } from '../provider.ts'
import type { Scheme } from '../scheme.ts'
import { refusing } from '../secret-forms.ts'

const SHARED = { algorithm: 'sha256', encoding: 'hex', partOfBody: true } as const

/** Of an event: `signature` under the account's own key, `parent-signature` under that of the account above it. */
const event = (member: string): HmacDescription => ({
  ...SHARED,
  field: { json: ['signature', member] },
  payload: '{json:signature.timestamp}{json:signature.token}',
  timestamp: { json: ['signature', 'timestamp'], unit: 's' },
  id: { json: ['signature', 'token'] },
})
const own = hmacScheme(event('signature'))
const parent = hmacScheme(event('parent-signature'))

/** Of a message that a route forwards. */
const message = hmacScheme({
  ...SHARED,
  field: { form: 'signature' },
  payload: '{form:timestamp}{form:token}',
  timestamp: { form: 'timestamp', unit: 's' },
  id: { form: 'token' },
})

const scheme: Scheme = {
  kind: own.kind,
  headers: [],
  partOfBody: true,
  tolerance: own.tolerance,
  verifier(keys, toleranceMs) {
    const ofEvent = eitherOf(own.verifier(keys, toleranceMs), parent.verifier(keys, toleranceMs))
    const ofMessage = message.verifier(keys, toleranceMs)
    const pick = (essence: string | undefined) => (essence === FORM ? ofMessage : ofEvent)
    return {
      foresee: (request, nowMs) => pick(request.mediaType?.essence).foresee(request, nowMs),
      verify: (request, nowMs) => pick(request.mediaType?.essence).verify(request, nowMs),
    }
  },
  sign: () => [],
  body({ body, contentType, nowMs, id }, key) {
    const timestamp = String(Math.floor(nowMs / 1000))
    const signature = new MacKey('sha256', key).hex('', Buffer.from(timestamp + id), '')
    const signed = { timestamp, token: id, signature }
    if (contentType.split(';', 1)[0]?.trim().toLowerCase() === FORM) {
      const fields = new URLSearchParams(body.toString('utf8'))
      for (const [name, value] of Object.entries(signed)) fields.set(name, value)
      return Buffer.from(fields.toString())
    }
    const inserted = withMember(body, 'signature', signed)
    const given = inserted ? undefined : readJsonObject(body)
    return inserted ?? (given ? Buffer.from(JSON.stringify({ ...given, signature: signed })) : body)
  },
}

export const mailgun: Provider = {
  id: 'mailgun',
  name: 'Mailgun',
  page: 'https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks',
  summary:
    'HMAC-SHA256 over timestamp and token, hexadecimal, beside them in the body: under signature of an event, in the form of a message that a route forwards. The event itself is not signed.',
  scheme,
  secret: refusing(
    textSecret(
      'the HTTP webhook signing key, used as text',
      'Mailgun: the account menu, API Security, HTTP webhook signing key.',
      'service',
    ),
    /^key-|^pubkey-/,
    'the Mailgun secret is an API key',
    'use the HTTP webhook signing key',
  ),
  eventId: { json: ['signature', 'token'] },
  traps: [
    'Whoever captures a request can write any event beside its signature: keep TLS, and add replay, which remembers the signed token.',
    "A subaccount's events hold parent-signature too, which verifies under the main account's key.",
    'Mailgun warns of too short a tolerance and names none: five minutes are used unless the config says otherwise.',
    'Messages with attachments come as multipart/form-data, and are refused.',
  ],
  response: '200; after 406 Mailgun does not try again, after anything else it does, for 8 hours.',
  accept: ['json', 'form'],
}
