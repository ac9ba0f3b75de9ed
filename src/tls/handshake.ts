/** Why a TLS connection ended before its first request, for the operator. */
export interface HandshakeFailure {
  /** The TLS library's code, e.g. `ERR_SSL_NO_SHARED_CIPHER`. */
  readonly code: string
  readonly message: string
  /** What to do about it; `undefined` where it's nothing of ours. */
  readonly mend: string | undefined
}

const DISTRUST = 'the client does not trust our certificate'
const TRUST_US =
  'give the client our CA, or serve a certificate that it trusts with every intermediate: sallyport certs show FILE'

const KNOWN: Readonly<Record<string, readonly [message: string, mend?: string]>> = {
  ECONNRESET: [
    'the client hung up in the handshake',
    'where it is a health check, let it ask /healthz of the admin listener',
  ],
  ERR_TLS_CERTIFICATE_PENDING: [
    'the CA has not issued a certificate for the name yet',
    '"certificate not obtained" in the log says why; without such a line it is on its way',
  ],
  ERR_TLS_HANDSHAKE_TIMEOUT: ['the client did not finish the handshake in time'],
  ERR_SSL_HTTPS_PROXY_REQUEST: [
    'the client takes this TLS listener for a proxy',
    'give the client the URL itself, not as its proxy',
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    'what the client sent is not TLS',
    'give the client the https:// URL; a load balancer in front must not send PROXY lines or plain text',
  ],
  ERR_SSL_UNSUPPORTED_PROTOCOL: [
    "the client offers only TLS versions that the listener's profile leaves out",
    'update the client; profile: intermediate takes TLS 1.2 and 1.3, modern only 1.3',
  ],
  ERR_SSL_NO_SHARED_CIPHER: [
    "the client has no cipher suite that fits the listener's profile and certificate",
    'update the client, or add a certificate with the other type of key (ECDSA or RSA)',
  ],
  ERR_SSL_NO_SHARED_GROUP: [
    'the client has no key exchange group of the profile',
    'let the client offer X25519 or P-256',
  ],
  ERR_SSL_NO_SUITABLE_KEY_SHARE: [
    'the client has no key exchange group of the profile',
    'let the client offer X25519 or P-256',
  ],
  ERR_SSL_NO_APPLICATION_PROTOCOL: [
    'the client asks for other protocols than http/1.1 (ALPN)',
    'let the client offer http/1.1; HTTP/2 is not served',
  ],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: [DISTRUST, TRUST_US],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: [DISTRUST, TRUST_US],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: [DISTRUST, TRUST_US],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: [
    'the client finds our certificate expired',
    "renew it, or look at the client's clock",
  ],
  ERR_SSL_PROVIDER_SIGNATURE_FAILURE: [
    "a signature in the client's certificates does not verify: they name a CA that did not sign them",
    'issue the certificate anew with the CA of client-ca',
  ],
}

/** An alert's code under the name that older versions of OpenSSL give it, so that it is known under every version of Node. */
export function usualCode(code: string): string {
  return code.replace('ERR_SSL_SSL/TLS_', 'ERR_SSL_SSLV3_')
}

/** Puts an error of `tlsClientError` (or `clientError` over TLS) into a sentence. */
export function explainHandshake(error: Error): HandshakeFailure {
  const code = usualCode('code' in error && typeof error.code === 'string' ? error.code : 'unknown')
  const known = Object.hasOwn(KNOWN, code) ? KNOWN[code] : undefined
  if (known !== undefined) return { code, message: known[0], mend: known[1] }
  const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : code
  return { code, message: `the handshake failed: ${reason}`, mend: undefined }
}
