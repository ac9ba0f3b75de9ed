import { checkJson } from '../core/json.ts'
import type { JwsKey, JwsKeys } from './jws-keys.ts'

/** JSON Web Signatures in compact form (RFC 7515), read more strictly than the libraries read them. */

/** A token taken apart; nothing of it has been verified. */
export interface Jws {
  readonly compact: string
  readonly alg: string
  readonly kid: string | undefined
  readonly typ: string | undefined
  readonly payload: Buffer
}

export interface JwsFault {
  /** `malformed`: no JWS; `header`: one that asks for what is not done here; `key`, `signature`: not verified. */
  readonly fault: 'malformed' | 'header' | 'key' | 'signature'
  readonly because: string
}

export interface VerifiedJws {
  readonly jws: Jws
  readonly key: JwsKey
}

/** Header parameters by which a token brings its own key, or says where one is to be fetched (RFC 7515 section 4.1). */
const OWN_KEY = ['jwk', 'jku', 'x5c', 'x5u'] as const

/** Without a kid every key that fits is tried, at most so many. */
const MOST_TRIED = 16

export interface ReadOptions {
  /** Passes over the parameters that bring a key, which is never used either way. Default: such a token is refused. */
  readonly ignoreOwnKeys?: boolean
}

/**
 * Takes a compact JWS apart. Refused beside what is no JWS: base64url in any other form than its one, a header that is
 * not strict JSON or has a name twice, and any `crit`, as no extension is understood here.
 */
export function readJws(compact: string, { ignoreOwnKeys = false }: ReadOptions = {}): Jws | JwsFault {
  const parts = compact.split('.', 6)
  const [head = '', body = '', signature = ''] = parts
  if (parts.length === 5) return malformed('it is encrypted (JWE), and a signed one is expected')
  if (parts.length !== 3) return malformed('it is not three parts with "." between them')
  const headerBytes = decode(head)
  const payload = body === '' ? Buffer.alloc(0) : decode(body)
  if (headerBytes === undefined || payload === undefined || decode(signature) === undefined)
    return malformed('a part of it is empty, or not base64url as RFC 4648 writes it')
  const header = readJsonObject(headerBytes)
  if (header === undefined) return malformed('its header is not a JSON object, or has a name twice')
  const { alg, kid, typ } = header
  if (typeof alg !== 'string') return malformed('its header has no alg')
  if (kid !== undefined && typeof kid !== 'string') return malformed('its kid is not a text')
  if (typ !== undefined && typeof typ !== 'string') return malformed('its typ is not a text')
  if ('crit' in header || 'b64' in header)
    return { fault: 'header', because: 'crit or b64 asks for an extension, and none is understood' }
  const own = ignoreOwnKeys ? undefined : OWN_KEY.find(name => name in header)
  if (own !== undefined) return { fault: 'header', because: `${own} names a key, and a token can not choose its key` }
  return { compact, alg, kid, typ, payload }
}

const malformed = (because: string): JwsFault => ({ fault: 'malformed', because })

/** Verifies with the keys that fit its alg and kid. The caller has checked that alg is one that is allowed. */
export async function verifyJws(jws: Jws, keys: JwsKeys): Promise<VerifiedJws | JwsFault> {
  const candidates = keys.candidates(jws.alg, jws.kid)
  if (candidates.length === 0) return { fault: 'key', because: 'no key fits its alg and kid' }
  if (candidates.length > MOST_TRIED)
    return { fault: 'key', because: `it has no kid, and ${candidates.length} keys fit` }
  for (const key of candidates) if (await verifies(jws, key)) return { jws, key }
  return { fault: 'signature', because: 'the signature does not match under any key that fits' }
}

// Loaded with the first token: a gate without any starts that much sooner.
let jose: Promise<typeof import('jose')> | undefined

async function verifies(jws: Jws, { key }: JwsKey): Promise<boolean> {
  jose ??= import('jose')
  const { compactVerify, errors } = await jose
  try {
    await compactVerify(jws.compact, key, { algorithms: [jws.alg] })
    return true
  } catch (error) {
    if (error instanceof errors.JOSEError) return false
    throw error
  }
}

/** Strict JSON without a name that occurs twice; `undefined` for anything else, and for what is no object. */
export function readJsonObject(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  if (checkJson(bytes) !== undefined) return undefined
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : undefined
}

/** Base64url without padding, blanks or stray bits at its end: one text for one value, so that a token has one form. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === text ? bytes : undefined
}
