import { hash } from 'node:crypto'
import { newKeys, newSerial, wholeSeconds } from '../issue.ts'
import { peculiar } from '../peculiar.ts'
import { encodePem } from '../pem.ts'
import type { Offer } from './challenges.ts'

/** What a client of ACME makes of ASN.1: the request for a certificate, and the one that proves a name. */

const SHA256_ECDSA = { name: 'ECDSA', hash: 'SHA-256' }
/** id-pe-acmeIdentifier, RFC 8737 section 3. */
const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31'
const DAY = 86_400_000

export interface CertificateRequest {
  /** DER of a PKCS#10 request (RFC 2986). */
  readonly csr: Buffer
  /** PEM, PKCS#8. */
  readonly key: string
}

/** Asks for a certificate for one DNS name, with a new ECDSA P-256 key. */
export async function requestFor(name: string): Promise<CertificateRequest> {
  const x509 = await peculiar()
  const keys = await newKeys()
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    keys,
    signingAlgorithm: SHA256_ECDSA,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  })
  return {
    csr: Buffer.from(request.rawData),
    key: encodePem('PRIVATE KEY', new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey))),
  }
}

/** The self-signed certificate that proves a name in a handshake (RFC 8737 section 3). */
export async function proofOf(
  name: string,
  keyAuthorization: string,
  now: number,
): Promise<Offer & { readonly name: string }> {
  const x509 = await peculiar()
  const keys = await newKeys()
  const digest = hash('sha256', keyAuthorization, 'buffer')
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    notBefore: wholeSeconds(now - DAY),
    notAfter: wholeSeconds(now + DAY),
    keys,
    signingAlgorithm: SHA256_ECDSA,
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }]),
      // An OCTET STRING of 32 bytes.
      new x509.Extension(ACME_IDENTIFIER, true, new Uint8Array([0x04, digest.length, ...digest])),
    ],
  })
  return {
    name,
    cert: encodePem('CERTIFICATE', new Uint8Array(certificate.rawData)),
    key: encodePem('PRIVATE KEY', new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey))),
  }
}
