import { type KeyObject, verify } from 'node:crypto'
import { readAuthorityKeyId, readExtensions } from './certificate.ts'
import {
  childrenOf,
  DerError,
  type Element,
  expectTag,
  readBits,
  readElement,
  readIntegerHex,
  readOid,
  readTime,
  TAG,
} from './der.ts'

/** A certificate revocation list (RFC 5280 section 5), read from its DER. Complete lists only: no delta, no partition. */
export interface Crl {
  /** DER of the issuer's name. */
  readonly issuer: Buffer
  /** Epoch milliseconds. */
  readonly thisUpdate: number
  /** `undefined` where the CRL does not say when the next one is due. */
  readonly nextUpdate: number | undefined
  /** When each was revoked, epoch milliseconds, by serial in hex without leading zeros. */
  readonly revoked: ReadonlyMap<string, number>
  readonly authorityKeyId: Buffer | undefined
  readonly number: bigint | undefined
  /** OIDs of critical extensions, of the list or an entry, that this reader can't honour. */
  readonly unknownCritical: readonly string[]
  readonly signed: Buffer
  readonly algorithm: string
  readonly signature: Buffer
}

const CRL_NUMBER = '2.5.29.20'
const AUTHORITY_KEY_ID = '2.5.29.35'
const UNDERSTOOD: ReadonlySet<string> = new Set([CRL_NUMBER, AUTHORITY_KEY_ID, '2.5.29.21', '2.5.29.24'])

// Signature algorithms by OID, each with the type of key that makes it: RFC 5758, RFC 4055, RFC 8410.
const DIGEST: Readonly<Record<string, { readonly hash: string | null; readonly key: string }>> = {
  '1.2.840.10045.4.3.2': { hash: 'sha256', key: 'ec' },
  '1.2.840.10045.4.3.3': { hash: 'sha384', key: 'ec' },
  '1.2.840.10045.4.3.4': { hash: 'sha512', key: 'ec' },
  '1.2.840.113549.1.1.11': { hash: 'sha256', key: 'rsa' },
  '1.2.840.113549.1.1.12': { hash: 'sha384', key: 'rsa' },
  '1.2.840.113549.1.1.13': { hash: 'sha512', key: 'rsa' },
  '1.3.101.112': { hash: null, key: 'ed25519' },
  '1.3.101.113': { hash: null, key: 'ed448' },
}

/** @throws DerError */
export function readCrl(der: Buffer): Crl {
  const [tbs, algorithm, signature] = childrenOf(readElement(der, TAG.sequence))
  const list = expectTag(tbs, TAG.sequence)
  const fields = childrenOf(list)
  if (fields[0]?.tag === TAG.integer) fields.shift()
  const [inner, issuer, thisUpdate, ...rest] = fields
  if (!expectTag(inner, TAG.sequence).raw.equals(expectTag(algorithm, TAG.sequence).raw)) {
    throw new DerError('two different signature algorithms')
  }
  const due = isTime(rest[0]) ? readTime(rest.shift()) : undefined
  const entries = rest[0]?.tag === TAG.sequence ? childrenOf(rest[0]) : []
  const extensions = readExtensions(rest.find(field => field.tag === 0xa0))
  const unknown = new Set([...extensions].filter(([, { critical }]) => critical).map(([oid]) => oid))
  const number = extensions.get(CRL_NUMBER)
  return {
    issuer: expectTag(issuer, TAG.sequence).raw,
    thisUpdate: readTime(thisUpdate),
    nextUpdate: due,
    revoked: readEntries(entries, unknown),
    authorityKeyId: readAuthorityKeyId(extensions.get(AUTHORITY_KEY_ID)?.value),
    number: number === undefined ? undefined : BigInt(`0x${readIntegerHex(readElement(number.value))}`),
    unknownCritical: [...unknown].filter(oid => !UNDERSTOOD.has(oid)),
    signed: list.raw,
    algorithm: readOid(childrenOf(expectTag(algorithm, TAG.sequence))[0]),
    signature: readBits(signature),
  }
}

/** Whether `key` made the CRL's signature. Weak (SHA-1, MD5) and unknown algorithms are refused. */
export function isSignedBy(crl: Crl, key: KeyObject): boolean {
  const digest = DIGEST[crl.algorithm]
  if (digest === undefined || digest.key !== key.asymmetricKeyType) return false
  return verify(digest.hash, crl.signed, key, crl.signature)
}

function isTime(element: Element | undefined): boolean {
  return element?.tag === TAG.utcTime || element?.tag === TAG.generalizedTime
}

function readEntries(entries: readonly Element[], unknown: Set<string>): Map<string, number> {
  const revoked = new Map<string, number>()
  for (const entry of entries) {
    const [serial, at, extensions] = childrenOf(entry)
    revoked.set(readIntegerHex(serial), readTime(at))
    if (extensions === undefined) continue
    for (const [oid, { critical }] of readExtensions({ ...extensions, value: extensions.raw })) {
      if (critical) unknown.add(oid)
    }
  }
  return revoked
}
