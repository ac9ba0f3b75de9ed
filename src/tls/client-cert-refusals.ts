type Refusal = readonly [cause: string, because: string, mend: string]

const REFUSALS: Readonly<Record<string, Refusal>> = {
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [
    'client-cert.none',
    'the server wants a client certificate and was shown none that it takes',
    'add tls.certificate to forward; where it is there, see which CAs the server names',
  ],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: [
    'client-cert.unknown-ca',
    'the server does not know the CA of the client certificate',
    'have the certificate issued by a CA that the service names, with its intermediate in the file; or have the service add its CA',
  ],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: [
    'client-cert.refused-expired',
    'the server finds the client certificate expired',
    'renew it, or compare the clocks',
  ],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: [
    'client-cert.revoked',
    'the server finds the client certificate revoked',
    'have another one issued',
  ],
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: [
    'client-cert.refused',
    'the server does not take this kind of certificate: its use may not be for clients',
    'have one issued for client authentication (extendedKeyUsage clientAuth)',
  ],
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: [
    'client-cert.refused',
    'the server refuses the client certificate',
    'ask its operator which certificate it expects',
  ],
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: [
    'client-cert.refused',
    'the server refuses the client certificate',
    'ask its operator which certificate it expects',
  ],
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: [
    'client-cert.refused',
    'the server knows the client certificate and does not let it in',
    'ask its operator to allow this certificate',
  ],
}

/**
 * What a server's alert says of the client certificate that it was shown, or was not.
 *
 * @param code as `usualCode` gives it
 * @param shows whether it was shown one; `undefined`: nobody knows
 */
export function refusalOfClientCert(code: string, shows: boolean | undefined): Refusal | undefined {
  // A server of TLS 1.2 that gets no certificate says no more than that.
  if (code === 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE' && shows === false)
    return REFUSALS.ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED
  return REFUSALS[code]
}
