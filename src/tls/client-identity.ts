import { createPrivateKey } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls'
import type { Expiry, Resources } from '../core/resources.ts'
import { type Certificate, readCertificate } from './certificate.ts'
import type { ClientCertificateFiles } from './client-config.ts'
import { formatName } from './distinguished-name.ts'
import { decodePem, privateKeysIn } from './pem.ts'
import { TlsProblem } from './problem.ts'

/** The certificate that the gate shows, and its key. */
export interface ClientIdentity {
  readonly options: Pick<SecureContextOptions, 'cert' | 'key' | 'pfx' | 'passphrase'>
  readonly expiries: readonly Expiry[]
}

/** @throws TlsProblem, or Offline where a file or the passphrase is missing. */
export function loadClientIdentity(
  files: ClientCertificateFiles,
  resources: Pick<Resources, 'file' | 'secret'>,
): ClientIdentity {
  const passphrase = files.passphrase && resources.secret(files.passphrase).text()
  if (files.pkcs12 !== undefined) return fromBundle(files.pkcs12, resources.file(files.pkcs12), passphrase)
  const { cert = '', key = '' } = files
  return fromPem(cert, resources.file(cert), key, resources.file(key), passphrase)
}

function fromPem(
  path: string,
  cert: Buffer,
  keyPath: string,
  keyPem: Buffer,
  passphrase: string | undefined,
): ClientIdentity {
  const chain = decodePem(cert.toString('latin1'))
    .filter(({ label }) => label.endsWith('CERTIFICATE'))
    .map(({ der }) => read(path, der))
  const [leaf] = chain
  if (leaf === undefined)
    throw new TlsProblem(`${path} holds no certificate`, 'put the certificate chain there as PEM, leaf first')
  const key = readKey(keyPath, keyPem, passphrase)
  if (!leaf.x509.checkPrivateKey(key))
    throw new TlsProblem(
      `${keyPath} is not the key of ${path}: their public keys differ`,
      'configure the two files that were issued together, the chain with its leaf first',
    )
  return {
    options: {
      cert: chain.map(({ x509 }) => x509.toString()).join(''),
      key: key.export({ type: 'pkcs8', format: 'pem' }),
    },
    expiries: chain.map((certificate, index) => expiryOf(path, certificate, index > 0)),
  }
}

/** The private key of a PEM file. @throws TlsProblem, which quotes neither the file nor the passphrase */
function readKey(path: string, pem: Buffer, passphrase: string | undefined): ReturnType<typeof createPrivateKey> {
  const encrypted = pem.includes('ENCRYPTED')
  if (encrypted && passphrase === undefined)
    throw new TlsProblem(`${path} is encrypted`, 'name its passphrase: passphrase: { env: NAME }')
  const [written = pem] = privateKeysIn(pem.toString('latin1'))
  try {
    return createPrivateKey({ key: written, format: 'pem', ...(passphrase === undefined ? {} : { passphrase }) })
  } catch {
    throw encrypted
      ? new TlsProblem(`${path} can not be decrypted with this passphrase`, 'name the passphrase that it was made with')
      : new TlsProblem(`${path} holds no private key that can be read`, 'put a PEM key there (BEGIN PRIVATE KEY)')
  }
}

function fromBundle(path: string, pfx: Buffer, passphrase: string | undefined): ClientIdentity {
  const options = { pfx, ...(passphrase === undefined ? {} : { passphrase }) }
  let certificate: Certificate | undefined
  try {
    // The library alone reads every bundle of today; a socket that is never connected shows what it found.
    const socket = new TLSSocket(new PassThrough(), { secureContext: createSecureContext(options) })
    const own = socket.getCertificate()
    if (own !== null && 'raw' in own) certificate = readCertificate(own.raw)
    socket.destroy()
  } catch (error) {
    throw bundleProblem(path, error instanceof Error ? error.message : String(error), passphrase)
  }
  if (certificate === undefined)
    throw new TlsProblem(`${path} holds no certificate with its key`, 'export both into it: openssl pkcs12 -export')
  return { options, expiries: [expiryOf(path, certificate, false)] }
}

function bundleProblem(path: string, said: string, passphrase: string | undefined): TlsProblem {
  if (/mac verify failure|decrypt error|wrong password|empty password/i.test(said))
    return passphrase === undefined
      ? new TlsProblem(`${path} is encrypted`, 'name its passphrase: passphrase: { env: NAME }')
      : new TlsProblem(
          `${path} can not be opened with this passphrase`,
          'name the passphrase that it was exported with',
        )
  if (/unsupported/i.test(said))
    return new TlsProblem(
      `${path} is encrypted in a way that is no longer safe (RC2 or 3DES)`,
      `make it anew: openssl pkcs12 -legacy -in ${path} -nodes -out NEW.pem, then openssl pkcs12 -export -in NEW.pem -out ${path}`,
    )
  return new TlsProblem(
    `${path} is no PKCS#12 bundle that can be read: ${said}`,
    'export certificate and key: openssl pkcs12 -export',
  )
}

function read(path: string, der: Buffer): Certificate {
  try {
    return readCertificate(der)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TlsProblem(`${path}: a certificate can not be read: ${reason}`, 'put the whole chain there')
  }
}

const expiryOf = (path: string, certificate: Certificate, issuer: boolean): Expiry => ({
  kind: 'certificate',
  name: issuer ? `${path} (${formatName(certificate.subject)})` : path,
  at: certificate.notAfter,
  since: certificate.notBefore,
})
