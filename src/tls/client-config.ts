import { z } from 'zod'
import { late } from '../core/late-schema.ts'
import { type SecretRef, secretRef } from '../core/secret.ts'

/** How the gate speaks TLS to an upstream. Paths are relative to the config file. There is no way not to verify. */
export interface ClientTlsConfig {
  readonly certificate?: ClientCertificateFiles | undefined
  /** PEM bundle; absent: the system's CAs, and those of NODE_EXTRA_CA_CERTS. */
  readonly ca?: string | undefined
  /** Asked for by SNI, and the name that the certificate must have; absent: the host of the URL. */
  readonly 'server-name'?: string | undefined
  /** SHA-256 of the subjectPublicKeyInfo, lower-case hex. */
  readonly pins?: readonly string[] | undefined
  readonly 'min-version': 'TLSv1.2' | 'TLSv1.3'
}

/** Either `cert` and `key`, or `pkcs12`. */
export interface ClientCertificateFiles {
  readonly cert?: string | undefined
  readonly key?: string | undefined
  readonly pkcs12?: string | undefined
  /** Of the key or the bundle. */
  readonly passphrase?: SecretRef | undefined
}

export const clientTlsConfig = late(() => {
  const path = z.string().min(1)
  const certificate = z
    .strictObject({
      cert: path.optional().describe('PEM chain, leaf first.'),
      key: path.optional().describe('PEM private key of the leaf.'),
      pkcs12: path.optional().describe('A PKCS#12 bundle (.p12, .pfx) with the certificate, its issuers and the key.'),
      passphrase: secretRef.optional().describe('The passphrase of the key or the bundle, where it is encrypted.'),
    })
    .refine(({ cert, pkcs12 }) => (cert === undefined) !== (pkcs12 === undefined), 'takes one of cert, pkcs12')
    .refine(
      ({ cert, key }) => (cert === undefined) === (key === undefined),
      'takes cert and key together: name both files, or pkcs12 alone',
    )
  const pin = z
    .string()
    .transform(text => {
      const hex = text.replaceAll(':', '').toLowerCase()
      return /^[A-Za-z0-9+/]{43}=$/.test(text) ? Buffer.from(text, 'base64').toString('hex') : hex
    })
    .refine(text => /^[0-9a-f]{64}$/.test(text), 'is no SHA-256: write 64 hex digits, or 44 characters of base64')
  return z.strictObject({
    certificate: certificate.optional().describe("The gate's own certificate, for an upstream that asks for one."),
    ca: path
      .optional()
      .describe("PEM bundle of the CAs that may have issued the upstream's certificate. Default: those of the system."),
    'server-name': z
      .string()
      .regex(
        /^(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*$/,
        "is no DNS name: write the name in the upstream's certificate, e.g. api.bank.example",
      )
      .optional()
      .describe("The name that the upstream's certificate must have, and that is asked for. Default: the host of to."),
    pins: z
      .array(pin)
      .min(1)
      .optional()
      .describe(
        "SHA-256 of the subjectPublicKeyInfo that the upstream's certificate must have, hex or base64, besides being verified; any of the list does.",
      ),
    'min-version': z
      .enum(['TLSv1.2', 'TLSv1.3'])
      .default('TLSv1.2')
      .describe('The lowest version that is spoken. Default TLSv1.2.'),
  })
})
