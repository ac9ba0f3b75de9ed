import { createPublicKey } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CLIENT_AUTH } from '../core/client-certificate.ts'
import type { Certificate } from './certificate.ts'
import { authority, certificateIn, isRevoked, readText, refuseExisting, writeFile } from './directory.ts'
import { NO_NAMES, readAlternativeNames } from './general-names.ts'
import { certifyLeaf, type Issued, issueLeaf, type KeyKind, type Names } from './issue.ts'
import { peculiar } from './peculiar.ts'
import { TlsProblem } from './problem.ts'

type Use = 'server' | 'client'

const CA_OF: Readonly<Record<Use, string>> = { server: 'ca', client: 'clients-ca' }

export interface SigningRequest {
  /** Path of the PEM request. */
  readonly file: string
  /** Path of the certificate that is made. */
  readonly out: string
  readonly use: Use
  /** Instead of the names that the request asks for; what a request asks for beyond names is not read. */
  readonly names?: Names | undefined
  readonly force: boolean
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * Signs a request (PKCS#10, RFC 2986) with the directory's CA. Uses and dates are the CA's to say.
 * @returns the names that the certificate has
 * @throws TlsProblem where the request does not prove that its key is held, or the key is weak
 */
export async function signRequest(dir: string, request: SigningRequest): Promise<Names> {
  const { file, out, use, now } = request
  const { spki, commonName, names: asked } = await readRequest(file)
  const names: Names = request.names ?? asked
  if ([names.dns, names.ips, names.uris, names.emails].every(list => (list ?? []).length === 0)) {
    throw new TlsProblem(`${file} asks for no name (subjectAltName)`, 'give it one with --dns, --uri or --email')
  }
  if (!request.force) refuseExisting(out)
  writeFile(out, await certifyLeaf(authority(dir, CA_OF[use]), { commonName, use, names, now }, spki), 0o644)
  return names
}

async function readRequest(file: string) {
  const x509 = await peculiar()
  const mend = 'name a PEM request (BEGIN CERTIFICATE REQUEST): openssl req -new -key KEY -addext subjectAltName=...'
  const text = readText(file)
  let request: InstanceType<typeof x509.Pkcs10CertificateRequest>
  let holds: boolean
  try {
    request = new x509.Pkcs10CertificateRequest(text)
    holds = await request.verify()
  } catch {
    throw new TlsProblem(`${file} is no certificate request that can be read`, mend)
  }
  if (!holds) throw new TlsProblem(`${file} is not signed by its own key: whoever sent it may not hold it`, mend)
  const spki = new Uint8Array(request.publicKey.rawData)
  refuseWeak(file, Buffer.from(spki))
  const extension = request.extensions.find(({ type }) => type === '2.5.29.17')
  return {
    spki,
    commonName: request.subjectName.getField('CN')[0] ?? '',
    names: extension === undefined ? NO_NAMES : readAlternativeNames(Buffer.from(extension.value)),
  }
}

export interface Renewal {
  /** With a new key, beside the certificate. Default: the key stays, and with it every pin on it. */
  readonly newKey?: KeyKind | undefined
  /** Epoch milliseconds. */
  readonly now: number
}

/**
 * Issues a certificate of the directory's CA anew into its own file, with its names and use. What follows it in the file
 * stays. The old one is not revoked.
 * @throws TlsProblem where no CA of the directory issued it, or it was revoked
 */
export async function renewCertificate(dir: string, file: string, { newKey, now }: Renewal): Promise<void> {
  const old = certificateIn(file)
  const use = useOf(old)
  const issuer = join(dir, `${CA_OF[use]}.crt`)
  const ca = existsSync(issuer) ? certificateIn(issuer) : undefined
  if (old.ca || ca === undefined || !old.issuer.equals(ca.subject) || !old.x509.verify(ca.x509.publicKey)) {
    throw new TlsProblem(
      `${file} is ${old.ca ? 'a CA' : `not issued by ${issuer}`}`,
      'name a server or client certificate of this directory; a CA is replaced by a new directory: sallyport certs init',
    )
  }
  // The new one has another serial: whoever was shut out would be let in again, by the same key.
  if (use === 'client' && isRevoked(dir, old)) {
    throw new TlsProblem(
      `${file} was revoked`,
      'where its client is to be let in again, make another certificate with a key of its own: sallyport certs client',
    )
  }
  const x509 = await peculiar()
  const commonName = new x509.X509Certificate(old.x509.toString()).subjectName.getField('CN')[0] ?? ''
  const request = { commonName, use, names: old.names, now }
  const text = readText(file)
  const end = text.indexOf('-----END CERTIFICATE-----')
  const rest = text.slice(text.indexOf('\n', end) + 1)
  const signer = authority(dir, CA_OF[use])
  if (newKey === undefined) {
    writeFile(file, (await certifyLeaf(signer, request, new Uint8Array(old.spki))) + rest, 0o644)
    return
  }
  const issued: Issued = await issueLeaf(signer, { ...request, key: newKey })
  writeFile(keyBeside(file), issued.key, 0o600)
  writeFile(file, issued.certificate + rest, 0o644)
}

function useOf({ extendedKeyUsage }: Certificate): Use {
  return extendedKeyUsage?.includes(CLIENT_AUTH) === true ? 'client' : 'server'
}

function keyBeside(file: string): string {
  const key = file.replace(/\.(crt|pem|cer)$/, '.key')
  if (key !== file && existsSync(key)) return key
  throw new TlsProblem(`there is no key beside ${file}`, 'renew it without --new-key, or where its key is')
}

/** Keys that a gate would refuse to trust. */
function refuseWeak(file: string, spki: Buffer): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey({
    key: spki,
    format: 'der',
    type: 'spki',
  })
  if (type === 'ec' || type === 'ed25519' || (type === 'rsa' && (details?.modulusLength ?? 0) >= 2048)) return
  throw new TlsProblem(`${file} has a weak key`, 'have it made with ECDSA P-256, or RSA of 2048 bits and more')
}
