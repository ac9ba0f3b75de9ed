import { z } from 'zod'

/** How a listener terminates TLS. Paths are relative to the config file. */
export interface ServerTlsConfig {
  /** Mozilla's server-side TLS profiles. */
  readonly profile: 'intermediate' | 'modern'
  /** Chosen by SNI among the certificates' names; the first is the default. */
  readonly certificates: readonly { readonly cert: string; readonly key: string }[]
  /** Client certificates are asked for and verified against this bundle; each route says what it demands. */
  readonly 'client-ca'?: string | undefined
  /** CRLs of the client CA, PEM or DER: files, or folders of them. */
  readonly 'client-crl'?: string | readonly string[] | undefined
}

const path = z.string().min(1)

/** Where revocation lists are. */
export const clientCrl = z
  .union([path, z.array(path).min(1)])
  .describe(
    "Revocation lists of the client CAs, PEM or DER: a file, a folder (its *.crl, *.pem, *.der and *.r0), or a list of both. A CA whose list is missing, has expired or is another's has its certificates refused, and the log says so.",
  )

export const serverTlsConfig = z.strictObject({
  profile: z
    .enum(['intermediate', 'modern'])
    .default('intermediate')
    .describe("Mozilla's TLS profile: intermediate is TLS 1.2 and 1.3, modern is 1.3 alone."),
  certificates: z
    .array(z.strictObject({ cert: path.describe('PEM chain, leaf first.'), key: path.describe('PEM private key.') }))
    .min(1)
    .describe('Chosen by the name that the client asks for (SNI); the first is the default.'),
  'client-ca': path
    .optional()
    .describe(
      'PEM bundle that client certificates must chain to. Asked of every client; each route says what it demands.',
    ),
  'client-crl': clientCrl.optional(),
})
