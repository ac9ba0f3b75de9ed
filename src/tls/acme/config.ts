import { z } from 'zod'
import { late } from '../../core/late-schema.ts'
import { type SecretRef, secretRef } from '../../core/secret.ts'
import { duration } from '../../core/units.ts'

export type ChallengeType = 'http-01' | 'tls-alpn-01'

/** Certificates that a CA issues over ACME (RFC 8555). Paths are relative to the config file. */
export interface AcmeConfig {
  readonly names: readonly string[]
  readonly 'accept-terms': true
  /** URL of the CA's directory. */
  readonly directory: string
  readonly email?: string | undefined
  readonly challenge: ChallengeType
  /** The folder of the account's key and the certificates. */
  readonly store: string
  /** PEM bundle that the CA's own server chains to. Absent: the system's. */
  readonly ca?: string | undefined
  /** External account binding (RFC 8555 section 7.3.4). */
  readonly eab?: { readonly kid: string; readonly key: SecretRef } | undefined
  /** Milliseconds before the end. Absent: a third of the certificate's life. */
  readonly 'renew-before'?: number | undefined
}

export const LETS_ENCRYPT = 'https://acme-v02.api.letsencrypt.org/directory'

export const acmeConfig = late(() =>
  z
    .strictObject({
      names: z
        .array(z.string().min(1))
        .min(1)
        .describe(
          'The DNS names, without wildcards. Each gets a certificate of its own, so that one whose DNS is wrong keeps no other from being served.',
        ),
      'accept-terms': z
        .literal(true)
        .describe("true, where you accept the CA's terms of service: no account is made without."),
      directory: z.string().min(1).default(LETS_ENCRYPT).describe("The CA's directory. Default: Let's Encrypt."),
      email: z
        .string()
        .regex(/^[^\s@,?&]+@[^\s@,?&]+$/, 'is no e-mail address: write one such as ops@example.com')
        .optional()
        .describe('Where the CA may write to.'),
      challenge: z
        .enum(['tls-alpn-01', 'http-01'])
        .default('tls-alpn-01')
        .describe(
          'How the CA sees that a name is yours. tls-alpn-01: in a TLS handshake on port 443 of the name, which has to reach this listener. http-01: by a request to port 80, which has to reach a listener with acme-challenges. Default tls-alpn-01.',
        ),
      store: z
        .string()
        .min(1)
        .describe(
          "The folder for the account's key and the certificates with their keys, which only the gate's user may read. It is made where it is not there; keep it, or the CA's limits will be met.",
        ),
      ca: z
        .string()
        .min(1)
        .optional()
        .describe("PEM bundle that the CA's own server must chain to, for a private CA. Default: the system's."),
      eab: z
        .strictObject({
          kid: z.string().min(1).describe('The key identifier that the CA gave.'),
          key: secretRef.describe('The MAC key that the CA gave, base64url: { env: NAME } or { file: path }.'),
        })
        .optional()
        .describe('External account binding, for CAs that ask for it.'),
      'renew-before': duration()
        .optional()
        .describe(
          'How long before its end a certificate is renewed, at most two thirds of its life. Default: a third of its life, 30 days of 90.',
        ),
    })
    .describe("Certificates that a CA issues and renews over ACME (RFC 8555), such as Let's Encrypt's."),
)
