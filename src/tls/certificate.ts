import { hash, X509Certificate } from 'node:crypto'
import {
  childrenOf,
  DerError,
  type Element,
  expectTag,
  readBits,
  readBoolean,
  readElement,
  readIntegerHex,
  readOid,
  readTime,
  TAG,
} from './der.ts'
import { type AlternativeNames, NO_NAMES, readAlternativeNames } from './general-names.ts'

/** A certificate read from its DER (RFC 5280 section 4), with node's own object for signatures and keys. */
export interface Certificate {
  readonly der: Buffer
  readonly x509: X509Certificate
  /** Hex, without leading zeros. */
  readonly serial: string
  /** OID of the algorithm that signed it. */
  readonly signatureAlgorithm: string
  /** DER of the names, for exact comparison. */
  readonly subject: Buffer
  readonly issuer: Buffer
  /** Epoch milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** DER of the subjectPublicKeyInfo. */
  readonly spki: Buffer
  readonly names: AlternativeNames
  /** basicConstraints' cA. */
  readonly ca: boolean
  readonly pathLength: number | undefined
  /** The first two octets of keyUsage, most significant bit first; `undefined` where there is no such extension. */
  readonly keyUsage: number | undefined
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly subjectKeyId: Buffer | undefined
  readonly authorityKeyId: Buffer | undefined
  /** OIDs of extensions that must be understood and are not. */
  readonly unknownCritical: readonly string[]
}

/** Bits of `keyUsage`. */
export const KEY_USAGE = { digitalSignature: 0x8000, keyCertSign: 0x0400, crlSign: 0x0200 } as const

const OID = {
  subjectKeyId: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyId: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const

// Read here, or enforced by the TLS library, whose verdict on a chain has to agree with ours.
const UNDERSTOOD: ReadonlySet<string> = new Set([
  ...Object.values(OID),
  '2.5.29.30', // nameConstraints
  '2.5.29.32', // certificatePolicies
  '2.5.29.33', // policyMappings
  '2.5.29.36', // policyConstraints
  '2.5.29.54', // inhibitAnyPolicy
])

/** @throws DerError, or node's own error, where it is no certificate. */
export function readCertificate(der: Buffer): Certificate {
  const x509 = new X509Certificate(der)
  const [tbs] = childrenOf(readElement(der, TAG.sequence))
  const fields = childrenOf(expectTag(tbs, TAG.sequence))
  if (fields[0]?.tag !== 0xa0) throw new DerError('a certificate of version 1, which has no extensions')
  const [, serial, algorithm, issuer, validity, subject, spki, ...rest] = fields
  const [notBefore, notAfter] = childrenOf(expectTag(validity, TAG.sequence))
  const extensions = readExtensions(rest.find(field => field.tag === 0xa3))
  const value = (oid: string) => extensions.get(oid)?.value
  const names = value(OID.subjectAltName)
  return {
    der,
    x509,
    serial: readIntegerHex(serial),
    signatureAlgorithm: readOid(childrenOf(expectTag(algorithm, TAG.sequence))[0]),
    subject: expectTag(subject, TAG.sequence).raw,
    issuer: expectTag(issuer, TAG.sequence).raw,
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    spki: expectTag(spki, TAG.sequence).raw,
    names: names === undefined ? NO_NAMES : readAlternativeNames(names),
    ...readConstraints(value(OID.basicConstraints)),
    keyUsage: readKeyUsage(value(OID.keyUsage)),
    extendedKeyUsage: readUsages(value(OID.extendedKeyUsage)),
    subjectKeyId: readSubjectKeyId(value(OID.subjectKeyId)),
    authorityKeyId: readAuthorityKeyId(value(OID.authorityKeyId)),
    unknownCritical: [...extensions]
      .filter(([oid, { critical }]) => critical && !UNDERSTOOD.has(oid))
      .map(([oid]) => oid),
  }
}

/** SHA-256, lower-case hex. */
export function sha256(bytes: Buffer): string {
  return hash('sha256', bytes)
}

export interface Extension {
  readonly critical: boolean
  readonly value: Buffer
}

/** The extensions inside an explicitly tagged `Extensions`, by OID. @throws DerError, also where one comes twice. */
export function readExtensions(tagged: Element | undefined): Map<string, Extension> {
  const found = new Map<string, Extension>()
  if (tagged === undefined) return found
  for (const extension of childrenOf(readElement(tagged.value, TAG.sequence))) {
    const [id, second, third] = childrenOf(extension)
    const oid = readOid(id)
    if (found.has(oid)) throw new DerError(`extension ${oid} twice`)
    const critical = third !== undefined && readBoolean(second)
    found.set(oid, { critical, value: expectTag(third ?? second, TAG.octetString).value })
  }
  return found
}

/** The key identifier of an authorityKeyIdentifier extension. */
export function readAuthorityKeyId(value: Buffer | undefined): Buffer | undefined {
  if (value === undefined) return undefined
  return childrenOf(readElement(value, TAG.sequence)).find(part => part.tag === 0x80)?.value
}

function readSubjectKeyId(value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : readElement(value, TAG.octetString).value
}

function readConstraints(value: Buffer | undefined): Pick<Certificate, 'ca' | 'pathLength'> {
  if (value === undefined) return { ca: false, pathLength: undefined }
  const parts = childrenOf(readElement(value, TAG.sequence))
  const flag = parts.find(part => part.tag === TAG.boolean)
  const length = parts.find(part => part.tag === TAG.integer)
  return {
    ca: flag !== undefined && readBoolean(flag),
    pathLength: length === undefined ? undefined : Number.parseInt(readIntegerHex(length), 16),
  }
}

function readKeyUsage(value: Buffer | undefined): number | undefined {
  if (value === undefined) return undefined
  const bits = readBits(readElement(value))
  return ((bits[0] ?? 0) << 8) | (bits[1] ?? 0)
}

function readUsages(value: Buffer | undefined): readonly string[] | undefined {
  return value === undefined ? undefined : childrenOf(readElement(value, TAG.sequence)).map(readOid)
}
