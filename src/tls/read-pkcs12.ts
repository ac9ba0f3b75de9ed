import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createRequire } from 'node:module'
import type Forge from 'node-forge'
import { encodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'

/** What a PKCS#12 bundle holds. */
export interface Unbundled {
  /** PEM, the certificate of the key first and its issuers after it; what belongs to no chain is left out. */
  readonly certificates: string
  readonly key: KeyObject
}

const MEND = 'make the bundle anew: openssl pkcs12 -export -inkey KEY -in CHAIN -out BUNDLE'

/**
 * Opens a PKCS#12 bundle (RFC 7292), also one with the old ciphers that Windows and Java still write.
 * @throws TlsProblem, which never quotes the passphrase
 */
export function readPkcs12(path: string, bytes: Buffer, passphrase: string): Unbundled {
  // Imported when the first bundle is read: hardly any gate has one, and the import takes longer than a start.
  const forge = createRequire(import.meta.url)('node-forge') as typeof Forge
  let bags: Forge.pkcs12.Bag[]
  try {
    bags = open(forge, bytes, passphrase).safeContents.flatMap(each => each.safeBags)
  } catch (error) {
    const wrong = error instanceof Error && /MAC|password|decrypt/i.test(error.message)
    if (wrong) throw new TlsProblem(`the passphrase does not open ${path}`, 'correct the secret that passphrase names')
    throw new TlsProblem(`${path} is no PKCS#12 bundle that can be read`, MEND)
  }
  const der = (node: Forge.asn1.Asn1): Buffer => Buffer.from(forge.asn1.toDer(node).getBytes(), 'latin1')
  const { keyBag, pkcs8ShroudedKeyBag, certBag } = forge.pki.oids
  const keys = bags.filter(({ type }) => type === keyBag || type === pkcs8ShroudedKeyBag)
  const [only, more] = keys
  if (only === undefined || more !== undefined)
    throw new TlsProblem(`${path} holds ${keys.length} private keys where one is needed`, MEND)
  const key = createPrivateKey({ key: der(keyInfo(forge, only)), format: 'der', type: 'pkcs8' })
  const certificates = bags
    .filter(({ type }) => type === certBag)
    .map(({ cert, asn1 }) => new X509Certificate(der(cert ? forge.pki.certificateToAsn1(cert) : asn1)))
  const chain = chainOf(certificates, key)
  if (chain.length === 0) throw new TlsProblem(`${path} holds no certificate of its key`, MEND)
  return { certificates: chain.map(({ raw }) => encodePem('CERTIFICATE', raw)).join(''), key }
}

/**
 * The library gives the passphrase's characters to the ciphers of PKCS#5 as bytes, where UTF-8 is meant (RFC 8018 section
 * 3). So a passphrase beyond ASCII is tried a second time, and without the MAC, for which it was right at the first.
 */
function open(forge: typeof Forge, bytes: Buffer, passphrase: string): Forge.pkcs12.Pkcs12Pfx {
  const asn1 = forge.asn1.fromDer(forge.util.createBuffer(bytes.toString('latin1')))
  try {
    return forge.pkcs12.pkcs12FromAsn1(asn1, false, passphrase)
  } catch (error) {
    const utf8 = Buffer.from(passphrase).toString('latin1')
    const beforeMac = error instanceof Error && error.message.includes('MAC')
    if (beforeMac || utf8 === passphrase || !Array.isArray(asn1.value)) throw error
    asn1.value.length = 2
    return forge.pkcs12.pkcs12FromAsn1(asn1, false, utf8)
  }
}

/** The library reads RSA keys, and gives what it can't read as it stands, whatever its types say. */
function keyInfo(forge: typeof Forge, { key, asn1 }: Forge.pkcs12.Bag): Forge.asn1.Asn1 {
  return key ? forge.pki.wrapRsaPrivateKey(forge.pki.privateKeyToAsn1(key)) : asn1
}

/** Bundles have no order: from the key's certificate up. */
function chainOf(certificates: readonly X509Certificate[], key: KeyObject): X509Certificate[] {
  const chain: X509Certificate[] = []
  let next = certificates.find(certificate => certificate.checkPrivateKey(key))
  while (next !== undefined && !chain.includes(next)) {
    const child = next
    chain.push(child)
    next = certificates.find(issuer => issuer !== child && child.checkIssued(issuer) && child.verify(issuer.publicKey))
  }
  return chain
}
