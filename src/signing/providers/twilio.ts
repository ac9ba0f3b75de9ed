import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { BodyRequest, HeadRequest } from '../../core/request.ts'
import { Offline } from '../../core/resources.ts'
import { type Secret, type SecretRef, secretRef } from '../../core/secret.ts'
import { decodeExactly } from '../encoding.ts'
import { MacKey } from '../mac.ts'
import { type Provider, SecretFault } from '../provider.ts'
import { currentKeys, fault, type Message, type Scheme, type SignatureFault, triedKeys } from '../scheme.ts'
import { withSettings } from '../settings.ts'
import { signedUrls } from '../twilio-url.ts'

const HEADER = 'X-Twilio-Signature'
const FORM = 'application/x-www-form-urlencoded'
const MAX_PARAMETERS = 1000

const AMPERSAND = 0x26

const sha256 = (body: Buffer): string => hash('sha256', body, 'hex')
const isForm = (contentType: string): boolean => contentType.split(';', 1)[0]?.trim().toLowerCase() === FORM

/**
 * Name and value of every parameter, sorted by name, each value once, nothing between them; `undefined` where there are
 * too many: values that are repeated do not count in the signature, so a cut would leave room for unsigned ones.
 */
function formText(body: Buffer): string | undefined {
  let count = 1
  for (let at = body.indexOf(AMPERSAND); at >= 0; at = body.indexOf(AMPERSAND, at + 1))
    if (++count > MAX_PARAMETERS) return undefined
  const values = new Map<string, Set<string>>()
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    const known = values.get(name)
    if (known) known.add(value)
    else values.set(name, new Set([value]))
  }
  return [...values.keys()]
    .sort()
    .map(name =>
      [...(values.get(name) ?? [])]
        .sort()
        .map(value => name + value)
        .join(''),
    )
    .join('')
}

function readSignature(request: HeadRequest): Buffer | SignatureFault {
  const text = request.headers.one(HEADER.toLowerCase())
  if (text === undefined || text === '') return fault('signature.missing', { header: HEADER })
  if (text === null) return fault('signature.malformed', { header: HEADER, why: 'the header comes more than once' })
  return (
    decodeExactly(text, 'base64', 20) ??
    fault('signature.malformed', { header: HEADER, why: 'the signature is not 20 bytes (sha1) in base64' })
  )
}

/**
 * What is signed behind the URL. A URL with bodySHA256 signs no parameters, so the body must then be the one of that hash
 * whatever its type says: else a captured request would pass again with its body taken away.
 */
function parametersOf(request: BodyRequest): string | SignatureFault {
  const announced = new URLSearchParams(request.query).getAll('bodySHA256')
  if (announced.length > 0) {
    if (announced.length === 1 && announced[0] === sha256(request.raw)) return ''
    return fault('signature.mismatch', {
      why: 'bodySHA256 in the URL is not the hash of the body',
      'body-bytes': request.raw.length,
    })
  }
  if (request.raw.length === 0) return ''
  if (request.mediaType?.essence !== FORM)
    return fault('signature.malformed', { why: 'the body is no form, and the URL has no bodySHA256 that binds it' })
  return (
    formText(request.raw) ??
    fault('signature.malformed', { why: `the form has more than ${MAX_PARAMETERS} parameters` })
  )
}

/** With the hash of a body that is no form, which would be unsigned otherwise. */
function urlOf({ url, contentType, body }: Message): string {
  if (isForm(contentType) || body.length === 0 || url.includes('bodySHA256=')) return url
  return `${url}${url.includes('?') ? '&' : '?'}bodySHA256=${sha256(body)}`
}

/** @throws Offline */
function userInfoOf(secret: Secret): string {
  const text = secret.text()
  if (/^[^\s/?#@]{1,512}$/.test(text)) return text
  throw new Offline(
    "url-credentials are not the part of Twilio's URL before its @",
    'Write user or user:password as they stand in that URL, percent-encoded where they are there.',
  )
}

const withUserInfo = (url: string, userInfo: string | undefined): string =>
  userInfo === undefined ? url : url.replace('://', () => `://${userInfo}@`)

/** @param credentials that stand in the URL, where Twilio was given some */
const schemeOf = (credentials?: SecretRef): Scheme => ({
  kind: 'twilio',
  headers: [HEADER],
  tolerance: undefined,
  verifier(keys, _toleranceMs, resources) {
    const userInfo = credentials && userInfoOf(resources.secret(credentials))
    const prepared = new Map(keys.map(key => [key, new MacKey('sha1', key.bytes)]))
    return {
      foresee(request) {
        const signature = readSignature(request)
        return Buffer.isBuffer(signature) ? undefined : signature
      },
      verify(request, nowMs) {
        const signature = readSignature(request)
        if (!Buffer.isBuffer(signature)) return signature
        const parameters = parametersOf(request)
        if (typeof parameters !== 'string') return parameters
        const current = currentKeys(keys, nowMs)
        for (const url of signedUrls(withUserInfo(request.publicUrl, userInfo))) {
          const text = Buffer.from(url + parameters)
          for (const key of current) {
            const mac = prepared.get(key)?.mac('', text, '')
            if (mac && timingSafeEqual(mac, signature))
              return { ok: true, key: key.name, nonce: mac.toString('hex'), id: undefined, timestamp: undefined }
          }
        }
        return fault('signature.mismatch', {
          header: HEADER,
          url: request.publicUrl.split('?', 1)[0] ?? '',
          ...triedKeys(keys, nowMs),
          'body-bytes': request.raw.length,
        })
      },
    }
  },
  url: urlOf,
  sign(key, message) {
    const text = urlOf(message) + (isForm(message.contentType) ? (formText(message.body) ?? '') : '')
    return [[HEADER, new MacKey('sha1', key).mac('', Buffer.from(text), '').toString('base64')]]
  },
})

export const twilio: Provider = {
  id: 'twilio',
  name: 'Twilio',
  page: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
  summary:
    "HMAC-SHA1 over the public URL and the sorted form parameters, base64, in X-Twilio-Signature. Of JSON the URL alone is signed, with the body's SHA-256 in its query.",
  ...withSettings(
    {
      'url-credentials': secretRef
        .optional()
        .describe(
          'user or user:password, by reference, where the URL that Twilio was given holds them before an @: they are part of what it signs.',
        ),
    },
    {},
    values => schemeOf(values['url-credentials']),
  ),
  secret: {
    looks: "the account's Auth Token, used as text",
    where: 'Twilio Console: Account Dashboard, Account Info, Auth Token.',
    madeBy: 'service',
    parse(secret) {
      if (/^(AC|SK)[0-9a-f]{32}$/.test(secret.text()))
        throw new SecretFault(
          'the Twilio secret is an account or key SID',
          'use the Auth Token that stands beside the Account SID',
        )
      return secret.bytes()
    },
    create: () => randomBytes(16).toString('hex'),
  },
  traps: [
    'The URL is signed as Twilio was given it: set public-url where the gate stands behind another name, scheme or port.',
    'A URL with credentials is signed with them, and public-url takes none: name them under url-credentials. Whether the request shows them is for the check basic.',
    'Where a Webhooks Rule matches the URL, Twilio signs with HMAC-SHA256 under a shared key of the rule: such requests are refused here.',
    'JSON without bodySHA256 in the URL leaves the body unsigned, and is refused.',
    'Forms are the default: accept form as well.',
    'Nothing stands between names and values where they are signed, and there is no timestamp: add replay.',
    'Two requests with the same parameters have one signature, such as those of a caller who presses the same key twice: replay answers the second 200, without TwiML. Leave it out of routes for voice.',
  ],
  accept: ['form', 'json'],
}
