import type { Headers } from '../core/headers.ts'
import { decodePem } from '../tls/pem.ts'
import { PolicyFault } from './policy.ts'

export type ClientCertFormat = 'rfc9440' | 'xfcc' | 'escaped-pem'

/** The field that each format comes in, lower case, where the config names no other. */
export const DEFAULT_FIELD: Readonly<Record<ClientCertFormat, string>> = {
  rfc9440: 'client-cert',
  xfcc: 'x-forwarded-client-cert',
  'escaped-pem': 'x-ssl-client-cert',
}

/** What a proxy says of the client that it spoke TLS with: DER, the issuers that the client sent after its own. */
export interface CarriedCertificate {
  readonly leaf: Buffer
  readonly chain: readonly Buffer[]
}

/** @returns `undefined` where the proxy met no certificate. */
export function readClientCertHeader(
  format: ClientCertFormat,
  field: string,
  headers: Headers,
): CarriedCertificate | PolicyFault | undefined {
  const value = headers.one(field)
  if (value === null) return new PolicyFault(`the field ${field} comes twice`)
  if (value === undefined || value === '') return undefined
  const bad = (what: string): PolicyFault => new PolicyFault(`the field ${field} ${what}`)
  if (format === 'rfc9440') {
    const chain = headers.all(`${field}-chain`).flatMap(text => text.split(','))
    const read = [value, ...chain].map(byteSequence).filter(der => der !== undefined)
    const [leaf, ...issuers] = read
    if (leaf === undefined || read.length !== chain.length + 1)
      return bad('or its chain is no byte sequence (RFC 9440)')
    return { leaf, chain: issuers }
  }
  if (format === 'escaped-pem') return certificatesOf([value]) ?? bad('is no escaped PEM certificate')
  const element = readXfcc(value)
  if (element === undefined) return bad('is not one element in the form of Envoy')
  const pem = [element.get('cert'), element.get('chain')].filter(text => text !== undefined)
  if (pem.length === 0) return bad('holds no certificate: let Envoy set_current_client_cert_details cert or chain')
  return certificatesOf(pem) ?? bad('holds a certificate that is no escaped PEM')
}

/** RFC 8941 section 3.3.5. */
function byteSequence(text: string): Buffer | undefined {
  const base64 = /^\s*:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):\s*$/.exec(text)?.[1]
  return base64 === undefined || base64 === '' ? undefined : Buffer.from(base64, 'base64')
}

/** The certificates of percent-encoded PEM texts, each once and in order. A plus sign stands for itself, as in base64. */
function certificatesOf(texts: readonly string[]): CarriedCertificate | undefined {
  const found: Buffer[] = []
  for (const text of texts) {
    let pem: string
    try {
      pem = decodeURIComponent(text)
    } catch {
      return undefined
    }
    for (const { label, der } of decodePem(pem))
      if (label === 'CERTIFICATE' && !found.some(other => other.equals(der))) found.push(der)
  }
  const [leaf, ...chain] = found
  return leaf && { leaf, chain }
}

const PAIR = /([A-Za-z]+)=(?:"((?:[^"\\]|\\.)*)"|([^",;=]*))(;|$)/y

/**
 * The pairs of an X-Forwarded-Client-Cert field, keys in lower case; the first of a key that comes again. `undefined`
 * where there is more than one element: a proxy that appends to what it received has let a stranger's words through.
 */
function readXfcc(text: string): ReadonlyMap<string, string> | undefined {
  const pairs = new Map<string, string>()
  for (let at = 0; at < text.length; at = PAIR.lastIndex) {
    PAIR.lastIndex = at
    const match = PAIR.exec(text)
    if (match === null) return undefined
    const key = (match[1] ?? '').toLowerCase()
    if (!pairs.has(key)) pairs.set(key, match[3] ?? (match[2] ?? '').replace(/\\(.)/g, '$1'))
  }
  return pairs
}
