import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type Certificate, readCertificate } from './certificate.ts'
import { type Crl, readCrl } from './crl.ts'
import { TAG } from './der.ts'
import { readKey } from './key-pair.ts'
import { decodePem, privateKeysIn } from './pem.ts'
import { TlsProblem } from './problem.ts'
import { readPkcs12 } from './read-pkcs12.ts'

/** What a file of certificates, lists, requests or keys holds, in its order. */
export interface Contents {
  readonly certificates: readonly Certificate[]
  readonly crls: readonly Crl[]
  /** DER of PKCS#10 requests. */
  readonly requests: readonly Buffer[]
  /** `undefined` for a key that is encrypted, where no passphrase is given. */
  readonly keys: readonly (KeyObject | undefined)[]
}

const NOTHING: Contents = { certificates: [], crls: [], requests: [], keys: [] }

/**
 * Reads a file, whatever it is: PEM with any of the blocks, or DER of one, or a PKCS#12 bundle.
 * @throws TlsProblem where it is none of these, or needs another passphrase
 */
export function readContents(path: string, bytes: Buffer, passphrase: string | undefined): Contents {
  if (bytes[0] === TAG.sequence) return readDer(path, bytes, passphrase)
  const text = bytes.toString('latin1')
  const blocks = decodePem(text)
  const of = (pattern: RegExp) => blocks.filter(({ label }) => pattern.test(label)).map(({ der }) => der)
  const contents = {
    certificates: of(/CERTIFICATE$/).map(readCertificate),
    crls: of(/^X509 CRL$/).map(readCrl),
    requests: of(/CERTIFICATE REQUEST$/),
    keys: privateKeysIn(text).map(pem => {
      const locked = pem.includes('ENCRYPTED') && passphrase === undefined
      return locked ? undefined : readKey(path, Buffer.from(pem), passphrase)
    }),
  }
  if (Object.values(contents).every(({ length }) => length === 0)) {
    throw new TlsProblem(
      `${path} holds no certificate, CRL, request or key`,
      'name a file in PEM (it has lines that begin with -----BEGIN) or DER, or a PKCS#12 bundle',
    )
  }
  return contents
}

/** DER does not say what it is: each form is tried. */
function readDer(path: string, bytes: Buffer, passphrase: string | undefined): Contents {
  const attempts: (() => Contents)[] = [
    () => ({ ...NOTHING, certificates: [readCertificate(bytes)] }),
    () => ({ ...NOTHING, crls: [readCrl(bytes)] }),
    () => ({ ...NOTHING, keys: [createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })] }),
  ]
  for (const attempt of attempts) {
    try {
      return attempt()
    } catch {}
  }
  if (passphrase === undefined) {
    throw new TlsProblem(
      `${path} is no certificate, CRL or key in DER`,
      'where it is a PKCS#12 bundle, name its password: --password env:NAME',
    )
  }
  const { certificates, key } = readPkcs12(path, bytes, passphrase)
  return { ...NOTHING, certificates: decodePem(certificates).map(({ der }) => readCertificate(der)), keys: [key] }
}
