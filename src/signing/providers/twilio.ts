import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { HeadRequest } from '../../core/request.ts'
import { decodeExactly } from '../encoding.ts'
import { MacKey } from '../mac.ts'
import { type Provider, SecretFault } from '../provider.ts'
import { currentKeys, fault, type Message, type Scheme, type SignatureFault, triedKeys } from '../scheme.ts'

const HEADER = 'X-Twilio-Signature'
const FORM = 'application/x-www-form-urlencoded'
const MAX_PARAMETERS = 1000

const sha256 = (body: Buffer): string => createHash('sha256').update(body).digest('hex')
const isForm = (contentType: string): boolean => contentType.split(';', 1)[0]?.trim().toLowerCase() === FORM
const bodyHashOf = (url: string): string | undefined => /[?&]bodySHA256=([0-9a-f]{64})(?:&|$)/.exec(url)?.[1]

/**
 * Name and value of every parameter, sorted by name, each value once, nothing between them; `undefined` where there are
 * too many: values that are repeated do not count in the signature, so a cut would leave room for unsigned ones.
 */
function formText(body: Buffer): string | undefined {
  const values = new Map<string, Set<string>>()
  let count = 0
  for (const [name, value] of new URLSearchParams(body.toString('utf8'))) {
    if (++count > MAX_PARAMETERS) return undefined
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

/**
 * The URLs that Twilio may have signed, in the order of Twilio's own library: as it came, and with the default port
 * where it has none or without the one that it has; then the same as the WHATWG URL standard writes it (an apostrophe as
 * %27). Most requests need the first alone.
 */
function* urlsOf(url: string): Generator<string> {
  yield url
  yield* otherPort(url)
  const normal = URL.parse(url)?.href
  if (normal === undefined || normal === url) return
  yield normal
  yield* otherPort(normal)
}

function* otherPort(url: string): Generator<string> {
  const [, scheme, authority = '', rest] = /^(https?):\/\/([^/?#]*)(.*)$/.exec(url) ?? []
  if (scheme === undefined) return
  const bare = authority.replace(/:\d+$/, '')
  const host = bare === authority ? `${bare}:${scheme === 'https' ? 443 : 80}` : bare
  yield `${scheme}://${host}${rest}`
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

const scheme: Scheme = {
  kind: 'twilio',
  headers: [HEADER],
  tolerance: undefined,
  verifier(keys) {
    const prepared = new Map(keys.map(key => [key, new MacKey('sha1', key.bytes)]))
    return {
      foresee(request) {
        const signature = readSignature(request)
        return Buffer.isBuffer(signature) ? undefined : signature
      },
      verify(request, nowMs) {
        const signature = readSignature(request)
        if (!Buffer.isBuffer(signature)) return signature
        const form = request.mediaType?.essence === FORM
        if (!form && request.raw.length > 0) {
          // Without this hash the signature covers the URL alone, and any body would pass under it.
          const announced = bodyHashOf(request.publicUrl)
          if (announced === undefined)
            return fault('signature.malformed', {
              why: 'the body is no form, and the URL has no bodySHA256 that binds it',
            })
          if (!timingSafeEqual(Buffer.from(announced), Buffer.from(sha256(request.raw))))
            return fault('signature.mismatch', {
              why: 'bodySHA256 in the URL is not the hash of the body',
              'body-bytes': request.raw.length,
            })
        }
        const parameters = form ? formText(request.raw) : ''
        if (parameters === undefined)
          return fault('signature.malformed', { why: `the form has more than ${MAX_PARAMETERS} parameters` })
        const current = currentKeys(keys, nowMs)
        for (const url of urlsOf(request.publicUrl)) {
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
  url: (message: Message) => {
    if (isForm(message.contentType) || message.body.length === 0 || bodyHashOf(message.url)) return message.url
    return `${message.url}${message.url.includes('?') ? '&' : '?'}bodySHA256=${sha256(message.body)}`
  },
  sign(key, message) {
    const url = scheme.url?.(message) ?? message.url
    const text = url + (isForm(message.contentType) ? (formText(message.body) ?? '') : '')
    return [[HEADER, new MacKey('sha1', key).mac('', Buffer.from(text), '').toString('base64')]]
  },
}

export const twilio: Provider = {
  id: 'twilio',
  name: 'Twilio',
  page: 'https://www.twilio.com/docs/usage/webhooks/webhooks-security',
  summary:
    "HMAC-SHA1 over the public URL and the sorted form parameters, base64, in X-Twilio-Signature. Of JSON the URL alone is signed, with the body's SHA-256 in its query.",
  scheme,
  secret: {
    looks: '32 hexadecimal digits, used as text',
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
    'JSON without bodySHA256 in the URL leaves the body unsigned, and is refused.',
    'Forms are the default: accept form as well.',
    'Nothing stands between names and values where they are signed, and there is no timestamp: add replay.',
  ],
  accept: ['form', 'json'],
}
