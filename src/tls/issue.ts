import { createPrivateKey } from 'node:crypto'
import { isIP } from 'node:net'
import type { Extension } from '@peculiar/x509'
import { peculiar } from './peculiar.ts'
import { encodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'

/** A certificate and its private key, PEM; the key is PKCS#8. */
export interface Issued {
  readonly certificate: string
  readonly key: string
}

export interface Names {
  readonly dns?: readonly string[]
  readonly ips?: readonly string[]
  readonly uris?: readonly string[]
  readonly emails?: readonly string[]
}

export type KeyKind = 'ecdsa' | 'rsa'

/** What a leaf is to be. Times are epoch milliseconds. */
export interface LeafRequest {
  readonly commonName: string
  readonly use: 'server' | 'client'
  readonly names: Names
  readonly now: number
  /** Of the new key: ECDSA P-256, or RSA with 3072 bits. Default ECDSA. */
  readonly key?: KeyKind | undefined
}

export interface Revocation {
  /** Hex. */
  readonly serial: string
  /** Epoch milliseconds. */
  readonly at: number
}

const DAY = 86_400_000
export const CA_DAYS = 3650
/** The longest that browsers accept: CA/Browser Forum Baseline Requirements 6.3.2, ballot SC-22. */
export const LEAF_DAYS = 397
export const CRL_DAYS = 30
/** A clock that is behind by this much still accepts what was issued a moment ago. */
const BACKDATE_MS = 5 * 60_000
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const RSA = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 3072,
  publicExponent: new Uint8Array([1, 0, 1]),
}
const CRL_NUMBER = '2.5.29.20'

/** A self-signed CA, ten years, for leaves only (path length 0). RFC 5280 section 4.2. */
export async function issueCa(commonName: string, now: number, key?: KeyKind): Promise<Issued> {
  const x509 = await peculiar()
  const keys = await newKeys(key)
  const usages = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: distinguishedName(commonName),
    notBefore: wholeSeconds(now - BACKDATE_MS),
    notAfter: wholeSeconds(now + CA_DAYS * DAY),
    signingAlgorithm: key === 'rsa' ? RSA : ECDSA,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return issued(certificate.rawData, keys.privateKey)
}

/** A leaf signed by `ca`, with a new key, 397 days. A server's names are DNS names and addresses; the CN is never a name. */
export async function issueLeaf(ca: Issued, request: LeafRequest): Promise<Issued> {
  const keys = await newKeys(request.key)
  const spki = await crypto.subtle.exportKey('spki', keys.publicKey)
  return {
    certificate: await certifyLeaf(ca, request, new Uint8Array(spki)),
    key: encodePem('PRIVATE KEY', new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey))),
  }
}

/** The same for a key that somebody else holds. @param spki DER of its subjectPublicKeyInfo */
export async function certifyLeaf(
  ca: Issued,
  request: Omit<LeafRequest, 'key'>,
  spki: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const x509 = await peculiar()
  const issuer = new x509.X509Certificate(ca.certificate)
  const publicKey = new x509.PublicKey(spki)
  const { key, algorithm } = await signerOf(ca)
  const purpose = request.use === 'server' ? x509.ExtendedKeyUsage.serverAuth : x509.ExtendedKeyUsage.clientAuth
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([purpose]),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
    await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
  ]
  const names = generalNames(request.names)
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names))
  const end = Math.min(request.now + LEAF_DAYS * DAY, issuer.notAfter.getTime())
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: distinguishedName(request.commonName),
    issuer: issuer.subjectName,
    notBefore: wholeSeconds(request.now - BACKDATE_MS),
    notAfter: wholeSeconds(end),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey: key,
    extensions,
  })
  return encodePem('CERTIFICATE', new Uint8Array(certificate.rawData))
}

/** A CRL of `ca`, PEM, for 30 days. RFC 5280 section 5. */
export async function issueCrl(
  ca: Issued,
  revoked: readonly Revocation[],
  number: bigint,
  now: number,
): Promise<string> {
  const x509 = await peculiar()
  const issuer = new x509.X509Certificate(ca.certificate)
  const { key, algorithm } = await signerOf(ca)
  const crl = await x509.X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate: wholeSeconds(now - BACKDATE_MS),
    nextUpdate: wholeSeconds(now + CRL_DAYS * DAY),
    entries: revoked.map(({ serial, at }) => ({ serialNumber: serial, revocationDate: wholeSeconds(at) })),
    signingAlgorithm: algorithm,
    signingKey: key,
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      new x509.Extension(CRL_NUMBER, false, derInteger(number)),
    ],
  })
  return encodePem('X509 CRL', new Uint8Array(crl.rawData))
}

export function newKeys(kind: KeyKind = 'ecdsa') {
  return kind === 'rsa'
    ? crypto.subtle.generateKey(RSA, true, ['sign', 'verify'])
    : crypto.subtle.generateKey(ECDSA, true, ['sign', 'verify'])
}

/** 20 octets, positive, 158 random bits: RFC 5280 section 4.1.2.2. */
export function newSerial(): string {
  const bytes = Buffer.from(crypto.getRandomValues(new Uint8Array(20)))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes.toString('hex')
}

/** Certificates count in seconds; a fraction would be refused by the encoder or lost. */
export function wholeSeconds(epochMs: number): Date {
  return new Date(Math.floor(epochMs / 1000) * 1000)
}

function distinguishedName(commonName: string) {
  return [{ CN: [commonName] }]
}

function generalNames(names: Names) {
  return [
    ...(names.dns ?? []).map(value => ({ type: 'dns' as const, value })),
    ...(names.ips ?? []).map(value => ({ type: 'ip' as const, value })),
    ...(names.uris ?? []).map(value => ({ type: 'url' as const, value })),
    ...(names.emails ?? []).map(value => ({ type: 'email' as const, value })),
  ]
}

/** Splits what an operator typed into DNS names and addresses. */
export function hostNames(values: readonly string[]): Names {
  return { dns: values.filter(value => isIP(value) === 0), ips: values.filter(value => isIP(value) !== 0) }
}

/** A CA's key and how it signs: ECDSA P-256, or RSA, with SHA-256. */
async function signerOf(ca: Issued) {
  const key = createPrivateKey(ca.key)
  const p256 = key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
  if (!p256 && key.asymmetricKeyType !== 'rsa') {
    throw new TlsProblem("the CA's key is neither ECDSA P-256 nor RSA", 'issue with the tool that made this CA')
  }
  const algorithm = p256 ? ECDSA : RSA
  const der = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }))
  return { algorithm, key: await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']) }
}

async function issued(certificate: ArrayBuffer, privateKey: CryptoKey): Promise<Issued> {
  return {
    certificate: encodePem('CERTIFICATE', new Uint8Array(certificate)),
    key: encodePem('PRIVATE KEY', new Uint8Array(await crypto.subtle.exportKey('pkcs8', privateKey))),
  }
}

function derInteger(value: bigint): Uint8Array<ArrayBuffer> {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const positive = (bytes[0] ?? 0) > 0x7f ? [0, ...bytes] : [...bytes]
  return new Uint8Array([0x02, positive.length, ...positive])
}
