import { z } from 'zod'
import { late } from '../core/late-schema.ts'
import { type SecretRef, secretRef } from '../core/secret.ts'
import { type AcmeConfig, acmeConfig } from './acme/config.ts'

/** A certificate with its key, as two PEM files or as a PKCS#12 bundle. */
export type CertificateConfig = (
  | { readonly cert: string; readonly key: string; readonly passphrase?: SecretRef | undefined }
  | { readonly pkcs12: string; readonly passphrase: SecretRef }
) & {
  /** DER of an OCSP response. */
  readonly staple?: string | undefined
}

/** How a listener terminates TLS. Paths are relative to the config file. */
export interface ServerTlsConfig {
  /** Mozilla's server-side TLS profiles. */
  readonly profile: 'intermediate' | 'modern'
  /** Chosen by SNI among the certificates' names; the first is the default. */
  readonly certificates: readonly CertificateConfig[]
  /** Beside these, or in their place, those that a CA issues over ACME. */
  readonly acme?: AcmeConfig | undefined
  /** Client certificates are asked for and verified against this bundle; each route says what it demands. */
  readonly 'client-ca'?: string | undefined
  /** CRLs of the client CA, PEM or DER: files, or folders of them. */
  readonly 'client-crl'?: string | readonly string[] | undefined
}

const path = z.string().min(1)

const staple = path
  .optional()
  .describe(
    'An OCSP response, DER, that goes with the certificate (openssl ocsp -respout). It is read again when the file changes, and left out once it has ended.',
  )

/** Where revocation lists are. */
export const clientCrl = z
  .union([path, z.array(path).min(1)])
  .describe(
    "Revocation lists of the client CAs, PEM or DER: a file, a folder (its *.crl, *.pem, *.der and *.r0), or a list of both. A CA whose list is missing, has expired or is another's has its certificates refused, and the log says so.",
  )

export const serverTlsConfig = late(() =>
  z.strictObject({
    profile: z
      .enum(['intermediate', 'modern'])
      .default('intermediate')
      .describe("Mozilla's TLS profile: intermediate is TLS 1.2 and 1.3, modern is 1.3 alone."),
    certificates: z
      .array(
        z.union([
          z.strictObject({
            cert: path.describe('PEM chain, leaf first.'),
            key: path.describe('PEM private key.'),
            passphrase: secretRef.optional().describe('Of a key that is encrypted: { env: NAME } or { file: path }.'),
            staple,
          }),
          z.strictObject({
            pkcs12: path.describe('A PKCS#12 bundle of the key, its certificate and the intermediates.'),
            passphrase: secretRef.describe('Of the bundle: { env: NAME } or { file: path }.'),
            staple,
          }),
        ]),
      )
      .min(1)
      .default([])
      .describe(
        'Chosen by the name that the client asks for (SNI); the first is the default. May be left out where acme is there.',
      ),
    acme: acmeConfig.optional(),
    'client-ca': path
      .optional()
      .describe(
        'PEM bundle that client certificates must chain to. Asked of every client; each route says what it demands.',
      ),
    'client-crl': clientCrl.optional(),
  }),
)
