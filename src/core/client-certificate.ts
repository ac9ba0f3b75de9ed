/** A TLS client's certificate, read from its parsed structure, never from a printed string. `tls/` makes it. */
export interface ClientCertificate {
  /** Whether its chain verifies against the listener's client CA, at the time of the connection. */
  readonly verified: boolean
  /** Why it does not, e.g. `certificate has expired`. */
  readonly problem?: string
  /** Subject and issuer as RFC 4514 text, for logs only. */
  readonly subject: string
  readonly issuer: string
  /** Hex. */
  readonly serial: string
  /** Epoch milliseconds. */
  readonly notBefore: number
  readonly notAfter: number
  /** subjectAltName, by kind. The subject's CN is never a name. */
  readonly dns: readonly string[]
  readonly uris: readonly string[]
  readonly emails: readonly string[]
  readonly ips: readonly string[]
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string
  /** SHA-256 of the subjectPublicKeyInfo, lower-case hex. */
  readonly spki: string
  /** Extended key usage OIDs; `undefined` where the certificate has no such extension. */
  readonly extendedKeyUsage: readonly string[] | undefined
  readonly der: Buffer
  /** The chain that was sent and verified, without the leaf. */
  readonly chain: readonly Buffer[]
  /** The CAs above it, its own issuer first and the one of the listener's client CA last; empty where it's not verified. */
  readonly issuers: readonly Issuer[]
  /** What one that is not verified came with, for who asks why; absent where it is verified. */
  readonly unverified?: Unverified
}

/** What came with a client's certificate that does not verify, and what it was measured by. */
export interface Unverified {
  /** The DER of what the client sent behind it. */
  readonly sent: readonly Buffer[]
  /** Reads names, of which the refusal itself has no need. */
  explain(): {
    /** Subjects of what was sent and of client-ca, RFC 4514 text. */
    readonly sent: readonly string[]
    readonly anchors: readonly string[]
    /** The subject of an intermediate that made the last certificate of the chain, and that other clients do send. */
    readonly known: string | undefined
  }
}

/** A CA above a client's certificate. */
export interface Issuer {
  /** RFC 4514 text. */
  readonly subject: string
  /** SHA-256 of the DER, lower-case hex. */
  readonly fingerprint: string
  /** SHA-256 of the subjectPublicKeyInfo, lower-case hex. */
  readonly spki: string
  /** Whether it is a certificate of client-ca, and not one that the client sent. */
  readonly anchor: boolean
}

/** id-kp-clientAuth, RFC 5280 section 4.2.1.12. */
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
