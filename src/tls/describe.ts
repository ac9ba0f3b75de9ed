import { createPublicKey, type KeyObject } from 'node:crypto'
import { CLIENT_AUTH } from '../core/client-certificate.ts'
import { type Certificate, KEY_USAGE, sha256 } from './certificate.ts'
import { type Contents, readContents } from './contents.ts'
import type { Crl } from './crl.ts'
import { formatName } from './distinguished-name.ts'
import { type AlternativeNames, NO_NAMES, readAlternativeNames } from './general-names.ts'
import { peculiar } from './peculiar.ts'
import { isoDate } from './trust.ts'

/** What a file holds, for people. */
export interface Description {
  /** One block of lines for each certificate, CRL, request or key: `label` and value. */
  readonly parts: readonly Part[]
  /** What is wrong with it, each with its mend. */
  readonly problems: readonly string[]
  /** What is right about it and worth saying. */
  readonly notes: readonly string[]
}

type Part = readonly (readonly [label: string, value: string])[]

export interface NamedFile {
  readonly path: string
  readonly bytes: Buffer
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const DAY = 86_400_000

/**
 * Describes a file of certificates, CRLs, requests or keys.
 * @param beside the file that makes a pair with it, a key's certificate or a certificate's key, where there is one
 * @param passphrase of what is encrypted
 * @throws TlsProblem where the file holds none of these
 */
export async function describeFile(
  file: NamedFile,
  beside: NamedFile | undefined,
  passphrase: string | undefined,
  now: number,
): Promise<Description> {
  const { certificates, crls, requests, keys } = readContents(file.path, file.bytes, passphrase)
  const problems = certificates.flatMap(certificate => dateProblems(certificate, now))
  const notes: string[] = []
  for (const { nextUpdate } of crls) {
    if (nextUpdate !== undefined && nextUpdate < now) problems.push('the CRL has expired: its CA has to sign it anew')
  }
  tellChain(certificates, problems, notes)
  tellPair(file, { certificates, keys }, beside, passphrase, problems, notes)
  return {
    parts: [
      ...certificates.map(certificate => describe(certificate, now)),
      ...crls.map(crl => describeCrl(crl, now)),
      ...(await Promise.all(requests.map(describeRequest))),
      ...keys.map(describeKey),
    ],
    problems,
    notes,
  }
}

function tellChain(chain: readonly Certificate[], problems: string[], notes: string[]): void {
  const [leaf] = chain
  const last = chain.at(-1)
  if (leaf === undefined || last === undefined) return
  const breaks = chain.slice(1).flatMap((issuer, index) => {
    const child = chain[index]
    const issued = child?.issuer.equals(issuer.subject) && child.x509.verify(issuer.x509.publicKey)
    return issued ? [] : [`certificate ${index + 2} did not issue certificate ${index + 1}: order a chain leaf first`]
  })
  problems.push(...breaks)
  // A bundle of CAs has no order.
  if (breaks.length > 0 || (leaf.ca && chain.length > 1)) return
  const root = last.subject.equals(last.issuer)
  if (chain.length > 1) notes.push(`the chain of ${chain.length} is in order, leaf first`)
  if (!root) notes.push(`whoever checks it needs ${formatName(last.issuer)}`)
  else if (chain.length > 1) notes.push('it ends with its root, which nobody needs to be sent')
}

function tellPair(
  file: NamedFile,
  own: Pick<Contents, 'certificates' | 'keys'>,
  beside: NamedFile | undefined,
  passphrase: string | undefined,
  problems: string[],
  notes: string[],
): void {
  const other = beside === undefined ? undefined : readBeside(beside, passphrase)
  const match = ({ x509 }: Certificate, key: KeyObject, keyPath: string): void => {
    if (x509.checkPrivateKey(key)) notes.push(`${keyPath} is its key`)
    else problems.push(`${keyPath} is not its key: put the two files that were issued together side by side`)
  }
  const [leaf] = own.certificates
  const [key] = own.keys
  if (leaf && key) match(leaf, key, file.path)
  else if (leaf && beside && other?.keys[0]) match(leaf, other.keys[0], beside.path)
  else if (key && beside && other?.certificates[0]) {
    if (other.certificates[0].x509.checkPrivateKey(key)) notes.push(`it is the key of ${beside.path}`)
    else problems.push(`it is not the key of ${beside.path}: put the two that were issued together side by side`)
  }
}

/** A neighbour that can't be read is not what was asked about. */
function readBeside({ path, bytes }: NamedFile, passphrase: string | undefined): Contents | undefined {
  try {
    return readContents(path, bytes, passphrase)
  } catch {
    return undefined
  }
}

function describeCrl(crl: Crl, now: number): Part {
  const { thisUpdate, nextUpdate, revoked } = crl
  const serials = Array.from(revoked, ([serial]) => `\n${serial}`).slice(0, 20)
  return [
    ['CRL of', formatName(crl.issuer)],
    ['number', String(crl.number ?? 'none')],
    ['valid', nextUpdate === undefined ? `from ${isoDate(thisUpdate)}` : span(thisUpdate, nextUpdate, now)],
    ['revoked', `${revoked.size}${serials.join('')}`],
  ]
}

async function describeRequest(der: Buffer): Promise<Part> {
  const x509 = await peculiar()
  const request = new x509.Pkcs10CertificateRequest(new Uint8Array(der))
  const names = request.extensions.find(({ type }) => type === '2.5.29.17')
  const spki = Buffer.from(request.publicKey.rawData)
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  const holds = await request.verify().catch(() => false)
  return [
    ['request of', request.subject],
    ['names', namesOf(names ? readAlternativeNames(Buffer.from(names.value)) : NO_NAMES)],
    ['key', keyType(key)],
    ['spki sha256', sha256(spki)],
    ['signed', holds ? 'by its own key' : 'by no key of its own: whoever sent it may not hold the key'],
  ]
}

function describeKey(key: KeyObject | undefined): Part {
  if (key === undefined) return [['private key', 'encrypted; --password env:NAME looks inside']]
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return [
    ['private key', keyType(key)],
    ['spki sha256', sha256(spki)],
  ]
}

function describe(certificate: Certificate, now: number): [string, string][] {
  return [
    ['subject', formatName(certificate.subject)],
    ['issuer', formatName(certificate.issuer)],
    ['names', namesOf(certificate.names)],
    ['for', usesOf(certificate)],
    ['valid', span(certificate.notBefore, certificate.notAfter, now)],
    ['key', keyType(certificate.x509.publicKey)],
    ['serial', certificate.serial],
    ['sha256', sha256(certificate.der)],
    ['spki sha256', sha256(certificate.spki)],
  ]
}

function usesOf({ ca, pathLength, keyUsage, extendedKeyUsage }: Certificate): string {
  if (ca) {
    const signs = keyUsage === undefined || (keyUsage & KEY_USAGE.keyCertSign) !== 0
    return `${signs ? 'issuing certificates' : 'nothing: a CA without keyCertSign'}${pathLength === undefined ? '' : `, path length ${pathLength}`}`
  }
  if (extendedKeyUsage === undefined) return 'any use (no extendedKeyUsage)'
  const known: Readonly<Record<string, string>> = { [SERVER_AUTH]: 'servers', [CLIENT_AUTH]: 'clients' }
  return extendedKeyUsage.map(oid => known[oid] ?? oid).join(', ')
}

function namesOf({ dns, ips, uris, emails }: AlternativeNames): string {
  const names = [
    ...dns.map(name => `dns ${name}`),
    ...ips.map(name => `ip ${name}`),
    ...uris.map(name => `uri ${name}`),
    ...emails.map(name => `email ${name}`),
  ]
  return names.length === 0 ? 'none' : names.join('\n')
}

function keyType({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const size = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyDetails?.modulusLength
  return `${asymmetricKeyType ?? 'unknown'} ${size ?? ''}`.trim()
}

function span(from: number, to: number, now: number): string {
  const days = Math.floor((to - now) / DAY)
  const left = days < 0 ? `ended ${-days} days ago` : `${days} days left`
  return `${isoDate(from)} to ${isoDate(to)} (${left})`
}

function dateProblems(certificate: Certificate, now: number): string[] {
  const name = formatName(certificate.subject)
  if (certificate.notAfter < now) return [`${name} has expired: renew it`]
  return certificate.notBefore > now ? [`${name} is not valid yet: look at this machine's clock`] : []
}
