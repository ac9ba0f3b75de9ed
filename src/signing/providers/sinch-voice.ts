import { hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { BodyRequest, HeadRequest } from '../../core/request.ts'
import { decodeInto } from '../encoding.ts'
import { MacKey } from '../mac.ts'
import { type Provider, SecretFault } from '../provider.ts'
import {
  fault,
  outOfTime,
  type Scheme,
  type SignatureFault,
  type SigningKey,
  triedKeys,
  type Verifier,
} from '../scheme.ts'
import { readTimestamp } from '../timestamp.ts'

const HEADER = 'Authorization'
const TIMESTAMP = 'x-timestamp'
/** A scheme's name may be written in either case (RFC 9110 section 11.1); Sinch's pages have both. */
const AUTHORIZATION = /^application ([^: ]{1,128}):([A-Za-z0-9+/]{43}=)$/i
const NOTHING = Buffer.alloc(0)

interface Parts {
  readonly method: string
  readonly body: Buffer
  readonly contentType: string
  readonly timestamp: string
  readonly path: string
}

/** One byte a character. */
function textOf({ method, body, contentType, timestamp, path }: Parts): string {
  const digest = body.length === 0 ? '' : hash('md5', body, 'base64')
  return `${method}\n${digest}\n${contentType}\n${TIMESTAMP}:${timestamp}\n${path}`
}

/** `key:secret`, or the secret alone, which takes any application's key. */
function split(bytes: Buffer): { readonly application: string | undefined; readonly secret: string } {
  const text = bytes.toString('latin1')
  const colon = text.indexOf(':')
  return { application: colon < 0 ? undefined : text.slice(0, colon), secret: text.slice(colon + 1) }
}

const macOf = (secret: string): MacKey => new MacKey('sha256', Buffer.from(secret, 'base64'))

interface Read {
  readonly application: string
  readonly signature: Uint8Array
  readonly timestamp: string
  readonly contentType: string
  readonly at: number
}

/** The one value of a header, or why there is none. */
function only(request: HeadRequest, header: string): string | SignatureFault {
  const value = request.headers.one(header.toLowerCase())
  if (value === undefined || value === '') return fault('signature.missing', { header })
  return value ?? fault('signature.malformed', { header, why: 'the header comes more than once' })
}

function read(request: HeadRequest): Read | SignatureFault {
  const value = only(request, HEADER)
  if (typeof value !== 'string') return value
  const timestamp = only(request, TIMESTAMP)
  if (typeof timestamp !== 'string') return timestamp
  const [, application = '', text = ''] = AUTHORIZATION.exec(value) ?? []
  const signature = new Uint8Array(32)
  if (!decodeInto('base64', text, 0, text.length, signature))
    return fault('signature.malformed', {
      header: HEADER,
      why: 'it is not "Application", the key, ":" and 32 bytes in base64',
    })
  const contentType = request.headers.one('content-type') ?? ''
  // Sinch's own library signs such a value in its tests; it is signed as sent.
  const written = timestamp.startsWith(`${TIMESTAMP}:`) ? timestamp.slice(TIMESTAMP.length + 1) : timestamp
  const at = readTimestamp(written, 'iso')
  if (at === undefined)
    return fault('signature.malformed', { header: TIMESTAMP, why: 'the timestamp is not written in unit iso' })
  return { application, signature, timestamp, contentType, at }
}

function verifier(keys: readonly SigningKey[], toleranceMs: number | undefined): Verifier {
  const prepared = keys.map(key => {
    const { application, secret } = split(key.bytes)
    return { ...key, application, mac: macOf(secret) }
  })

  function fresh(request: HeadRequest, nowMs: number): Read | SignatureFault {
    const head = read(request)
    if ('ok' in head) return head
    return outOfTime({ header: TIMESTAMP }, head.at, nowMs, toleranceMs) ?? head
  }

  return {
    foresee(request, nowMs) {
      const head = fresh(request, nowMs)
      return 'ok' in head ? head : undefined
    },
    verify(request: BodyRequest, nowMs) {
      const head = fresh(request, nowMs)
      if ('ok' in head) return head
      const text = textOf({ ...head, method: request.method, body: request.raw, path: request.path })
      for (const { name, mac, application, expires } of prepared) {
        if (expires !== undefined && expires < nowMs) continue
        if (application !== undefined && application !== head.application) continue
        const wanted = mac.mac(text, NOTHING, '')
        if (timingSafeEqual(wanted, head.signature))
          return { ok: true, key: name, nonce: wanted.toString('hex'), id: undefined, timestamp: head.at }
      }
      return fault('signature.mismatch', {
        header: HEADER,
        ...triedKeys(keys, nowMs),
        'timestamp-skew-s': Math.round((nowMs - head.at) / 1000),
        'body-bytes': request.raw.length,
      })
    },
  }
}

const scheme: Scheme = {
  kind: 'hmac-sha256',
  headers: [HEADER, TIMESTAMP],
  tolerance: 300_000,
  verifier,
  sign(key, { method, url, body, contentType, nowMs }) {
    const { application = 'application', secret } = split(key)
    const timestamp = new Date(nowMs).toISOString()
    const text = textOf({ method, body, contentType, timestamp, path: new URL(url).pathname })
    const signature = macOf(secret).mac(text, NOTHING, '').toString('base64')
    return [
      [HEADER, `Application ${application}:${signature}`],
      [TIMESTAMP, timestamp],
    ]
  },
}

export const sinchVoice: Provider = {
  id: 'sinch-voice',
  name: 'Sinch Voice and Verification',
  page: 'https://developers.sinch.com/docs/voice/api-reference/authentication/callback-signed-request',
  summary:
    "HMAC-SHA256 over method, the body's MD5, Content-Type, x-timestamp and path, a line each, base64, in Authorization.",
  scheme,
  secret: {
    looks:
      "the application's key, a colon, and its secret in base64; or the secret alone, which takes any application key",
    where: 'Sinch Build Dashboard: Voice or Verification, Apps, the app, Key and Secret.',
    madeBy: 'service',
    parse(secret) {
      const bytes = secret.bytes()
      if (!/^([^: ]+:)?[A-Za-z0-9+/_-]{2,}={0,2}$/.test(bytes.toString('latin1')))
        throw new SecretFault(
          'the Sinch secret is not base64, alone or behind the application key and a colon',
          'write KEY:SECRET, both as the dashboard shows them',
        )
      return bytes
    },
    create: () => `${randomUUID()}:${randomBytes(16).toString('base64')}`,
  },
  traps: [
    'The secret is decoded from base64 before it is the key.',
    'Content-Type is signed as sent, blanks included.',
    'The path alone is signed, without host and query.',
    'Sinch asks for a timestamp that is not too old and names no number: five minutes are used unless the config says otherwise.',
    'Version 2 of Voice signs as "Service", with another key, and does not verify here.',
  ],
}
