import { CLIENT_AUTH } from '../core/client-certificate.ts'
import { type Certificate, KEY_USAGE, readCertificate, sha256 } from './certificate.ts'
import { readCrl } from './crl.ts'
import { formatName } from './distinguished-name.ts'
import { readKey } from './key-pair.ts'
import { decodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'
import { isoDate } from './trust.ts'

/** What a PEM file holds, for people. */
export interface Description {
  /** One block of lines for each certificate or CRL, `label` and value. */
  readonly parts: readonly (readonly (readonly [label: string, value: string])[])[]
  /** What is wrong with it, each with its mend. */
  readonly problems: readonly string[]
  readonly key: 'matches' | 'none'
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
const DAY = 86_400_000

/**
 * Describes a PEM file's certificates or CRLs.
 * @param key the PEM key beside it, where there is one
 * @throws TlsProblem where the file holds neither
 */
export function describePem(pem: string, key: { path: string; pem: Buffer } | undefined, now: number): Description {
  const blocks = decodePem(pem)
  const chain = blocks.filter(({ label }) => label.endsWith('CERTIFICATE')).map(({ der }) => readCertificate(der))
  const crls = blocks.filter(({ label }) => label === 'X509 CRL').map(({ der }) => readCrl(der))
  if (chain.length + crls.length === 0) {
    throw new TlsProblem(
      'the file holds no certificate and no CRL',
      'name a PEM file (BEGIN CERTIFICATE or BEGIN X509 CRL)',
    )
  }
  const problems = chain.flatMap(certificate => dateProblems(certificate, now))
  chain.slice(1).forEach((issuer, index) => {
    const child = chain[index]
    if (child !== undefined && !(child.issuer.equals(issuer.subject) && child.x509.verify(issuer.x509.publicKey))) {
      problems.push(`certificate ${index + 2} did not issue certificate ${index + 1}: order a chain leaf first`)
    }
  })
  for (const { nextUpdate } of crls) {
    if (nextUpdate !== undefined && nextUpdate < now) problems.push('the CRL has expired: its CA has to sign it anew')
  }
  const leaf = chain[0]
  if (key !== undefined && leaf !== undefined && !leaf.x509.checkPrivateKey(readKey(key.path, key.pem))) {
    problems.push(`${key.path} is not its key: put the two files that were issued together side by side`)
  }
  const crlParts = crls.map(crl => [
    ['CRL of', formatName(crl.issuer)] as const,
    ['number', String(crl.number ?? 'none')] as const,
    [
      'valid',
      crl.nextUpdate === undefined ? `from ${isoDate(crl.thisUpdate)}` : span(crl.thisUpdate, crl.nextUpdate, now),
    ] as const,
    [
      'revoked',
      `${crl.revoked.size}${Array.from(crl.revoked, ([serial]) => `\n${serial}`)
        .slice(0, 20)
        .join('')}`,
    ] as const,
  ])
  const matches = key !== undefined && leaf !== undefined && !problems.some(problem => problem.startsWith(key.path))
  return {
    parts: [...chain.map(certificate => describe(certificate, now)), ...crlParts],
    problems,
    key: matches ? 'matches' : 'none',
  }
}

function describe(certificate: Certificate, now: number): [string, string][] {
  const { dns, ips, uris, emails } = certificate.names
  const names = [
    ...dns.map(name => `dns ${name}`),
    ...ips.map(name => `ip ${name}`),
    ...uris.map(name => `uri ${name}`),
    ...emails.map(name => `email ${name}`),
  ]
  return [
    ['subject', formatName(certificate.subject)],
    ['issuer', formatName(certificate.issuer)],
    ['names', names.length === 0 ? 'none' : names.join('\n')],
    ['for', usesOf(certificate)],
    ['valid', span(certificate.notBefore, certificate.notAfter, now)],
    ['key', keyType(certificate)],
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

function keyType({ x509 }: Certificate): string {
  const { asymmetricKeyType, asymmetricKeyDetails } = x509.publicKey
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
