import { createCipheriv, createPrivateKey, hash, pbkdf2Sync, randomBytes } from 'node:crypto'
import type { asn1 as Asn1Library } from 'node-forge'
import { decodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'

export interface BundleContents {
  /** PEM of the certificate, its issuers after it. */
  readonly certificates: string
  /** PEM, of any type. */
  readonly key: string
  /** What key stores show. */
  readonly friendlyName: string
  readonly password: string
}

type Node = Parameters<typeof Asn1Library.toDer>[0]

const OID = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  friendlyName: '1.2.840.113549.1.9.20',
  localKeyId: '1.2.840.113549.1.9.21',
  pbes2: '1.2.840.113549.1.5.13',
  pbkdf2: '1.2.840.113549.1.5.12',
  hmacSha256: '1.2.840.113549.2.9',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const

const KEY_ROUNDS = 210_000
/** The MAC's derivation is RFC 7292's own, which only the library's slow JavaScript has. */
const MAC_ROUNDS = 10_000
const MAC_PURPOSE = 3

/**
 * A PKCS#12 bundle (RFC 7292), DER, for key stores of browsers, Java and Windows: PBES2 with AES-256 and PBKDF2-SHA-256
 * over key and certificates, HMAC-SHA-256 over all. Put together from its parts, because the library's own bundling
 * reads only RSA.
 */
export async function makePkcs12(contents: BundleContents): Promise<Buffer> {
  const { default: forge } = await import('node-forge')
  const { asn1 } = forge
  const { Class, Type } = asn1
  const node = (type: number, value: string | Node[]) =>
    asn1.create(Class.UNIVERSAL, type, typeof value !== 'string', value)
  const sequence = (...parts: Node[]) => node(Type.SEQUENCE, parts)
  const octets = (bytes: Uint8Array) => node(Type.OCTETSTRING, Buffer.from(bytes).toString('latin1'))
  const integer = (value: number) => node(Type.INTEGER, asn1.integerToDer(value).getBytes())
  const oid = (id: string) => node(Type.OID, asn1.oidToDer(id).getBytes())
  const explicit = (...parts: Node[]) => asn1.create(Class.CONTEXT_SPECIFIC, 0, true, parts)
  const der = (value: Node) => Buffer.from(asn1.toDer(value).getBytes(), 'latin1')

  /** PBES2 (RFC 8018 section 6.2): its AlgorithmIdentifier, and the ciphertext. */
  const encrypt = (plain: Buffer): { algorithm: Node; cipherText: Buffer } => {
    const [salt, iv] = [randomBytes(16), randomBytes(16)]
    const cipher = createCipheriv('aes-256-cbc', pbkdf2Sync(contents.password, salt, KEY_ROUNDS, 32, 'sha256'), iv)
    const prf = sequence(oid(OID.hmacSha256), node(Type.NULL, ''))
    const derivation = sequence(oid(OID.pbkdf2), sequence(octets(salt), integer(KEY_ROUNDS), prf))
    const algorithm = sequence(oid(OID.pbes2), sequence(derivation, sequence(oid(OID.aes256Cbc), octets(iv))))
    return { algorithm, cipherText: Buffer.concat([cipher.update(plain), cipher.final()]) }
  }

  const chain = decodePem(contents.certificates).filter(({ label }) => label === 'CERTIFICATE')
  const leaf = chain[0]
  if (leaf === undefined) throw new TlsProblem('there is no certificate to bundle', 'name a PEM certificate')
  const keyId = hash('sha1', leaf.der, 'buffer')
  const attributes = node(Type.SET, [
    sequence(oid(OID.friendlyName), node(Type.SET, [node(Type.BMPSTRING, contents.friendlyName)])),
    sequence(oid(OID.localKeyId), node(Type.SET, [octets(keyId)])),
  ])

  const shrouded = encrypt(createPrivateKey(contents.key).export({ type: 'pkcs8', format: 'der' }))
  const keyInfo = sequence(shrouded.algorithm, octets(shrouded.cipherText))
  const keyBags = sequence(sequence(oid(OID.shroudedKeyBag), explicit(keyInfo), attributes))
  const certBags = sequence(
    ...chain.map((certificate, index) => {
      const bag = sequence(oid(OID.x509Certificate), explicit(octets(certificate.der)))
      return sequence(oid(OID.certBag), explicit(bag), ...(index === 0 ? [attributes] : []))
    }),
  )
  const sealed = encrypt(der(certBags))
  const cipherText = asn1.create(Class.CONTEXT_SPECIFIC, 0, false, sealed.cipherText.toString('latin1'))
  const encrypted = sequence(integer(0), sequence(oid(OID.data), sealed.algorithm, cipherText))
  const authenticated = der(
    sequence(
      sequence(oid(OID.encryptedData), explicit(encrypted)),
      sequence(oid(OID.data), explicit(octets(der(keyBags)))),
    ),
  )

  const salt = randomBytes(16)
  const saltBytes = forge.util.createBuffer(salt.toString('latin1'))
  const { generateKey } = forge.pkcs12
  const macKey = generateKey(contents.password, saltBytes, MAC_PURPOSE, MAC_ROUNDS, 32, forge.md.sha256.create())
  const hmac = forge.hmac.create()
  hmac.start('sha256', macKey)
  hmac.update(authenticated.toString('latin1'))
  const digest = sequence(
    sequence(oid(OID.sha256), node(Type.NULL, '')),
    node(Type.OCTETSTRING, hmac.digest().getBytes()),
  )
  return der(
    sequence(
      integer(3),
      sequence(oid(OID.data), explicit(octets(authenticated))),
      sequence(digest, octets(salt), integer(MAC_ROUNDS)),
    ),
  )
}
