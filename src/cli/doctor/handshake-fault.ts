import { type Finding, fail } from '../../core/finding.ts'

const NOT_TLS = [
  'tls.not-tls',
  'what answers does not speak TLS',
  'write http:// and the port of a plain listener, or terminate TLS there',
] as const
const VERSION = [
  'tls.version',
  'it takes neither TLS 1.2 nor 1.3',
  'allow TLS 1.2 and 1.3 in what terminates TLS',
] as const
const CLIENT_CERT = [
  'client-cert.required',
  'it ends the handshake of whoever shows no client certificate that it accepts',
  'show one: --cert FILE --key FILE',
] as const

const KNOWN: Readonly<Record<string, readonly [cause: string, because: string, mend: string]>> = {
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  ERR_SSL_HTTP_REQUEST: NOT_TLS,
  ERR_SSL_RECORD_LAYER_FAILURE: NOT_TLS,
  EPROTO: NOT_TLS,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: VERSION,
  ERR_SSL_UNSUPPORTED_PROTOCOL: VERSION,
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: [
    'tls.unknown-name',
    'it knows no certificate for this name',
    'add the name to what terminates TLS, or mend the URL',
  ],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: [
    'tls.no-common-cipher',
    'it finds no cipher suite, or no certificate, for this client',
    'configure a certificate for this name, and the cipher suites of a current TLS profile',
  ],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: CLIENT_CERT,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: CLIENT_CERT,
  ECONNRESET: [
    'tls.cut',
    'the connection is cut in the handshake',
    'look for a firewall that drops it by its name, or a load balancer whose other side is down',
  ],
  ETIMEDOUT: [
    'tls.silent',
    'the port is open and nobody answers the handshake',
    'is it the port of a TLS server? Something in front may wait for a PROXY header',
  ],
}

/** Why a handshake failed, for whoever runs the server. @param host whose it was */
export function handshakeFault(
  { code, message }: { readonly code: string; readonly message: string },
  host: string,
): Finding {
  const [cause, because, mend] = KNOWN[code] ?? [
    'tls.failed',
    `the handshake with ${host} fails: ${message}`,
    'look at the log of what terminates TLS there',
  ]
  return fail(cause, KNOWN[code] ? `${because} (${code})` : because, mend, { evidence: { code } })
}
