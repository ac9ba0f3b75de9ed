import { refusalOfClientCert } from '../tls/client-cert-refusals.ts'

/** What a failure of the upstream, or of its token endpoint, comes from. */
export interface UpstreamCause {
  readonly cause: string
  readonly because: string
  readonly mend: string
  readonly certainty: 'proven' | 'likely'
}

/** Causes of which another may look the same from here. */
const LIKELY: ReadonlySet<string> = new Set(['filtered', 'intermediate', 'handshake', 'cut'])

type Known = readonly [said: RegExp, cause: string, because: string, mend: string]

const UNKNOWN_CA = 'its certificate is issued by a CA that the gate does not trust here'

/** What the connection said, in the order in which it is looked for. */
const KNOWN: readonly Known[] = [
  [/ECONNREFUSED/, 'closed', 'nothing listens at that address and port', 'see that it runs there, or mend the URL'],
  [/ENOTFOUND/, 'unknown', 'no address is known for the name', 'mend the name, or add it to the resolver of this host'],
  [/EAI_AGAIN/, 'no-resolver', 'the resolver does not answer', "look at this host's resolver"],
  [
    /EMFILE|ENFILE/,
    'descriptors',
    'the gate has no file descriptor left, and the upstream was not asked',
    'raise the limit of open files (LimitNOFILE= in the systemd unit, ulimit -n in a shell), or lower limits.connections of the listeners',
  ],
  [
    /EADDRNOTAVAIL/,
    'no-such-address',
    'this host has no such address to connect from',
    'write one of "ip address" into local-address',
  ],
  [
    /the connection did not stand|ETIMEDOUT/,
    'filtered',
    'nobody answered the attempt to connect, or not in time',
    'let the firewalls in between pass connections from this host; raise timeout.connect only for a slow way',
  ],
  [
    /EHOSTUNREACH|ENETUNREACH/,
    'no-way',
    'there is no way to its address from this host',
    'look at the routes and the addresses of this host',
  ],
  [
    /the proxy answered 407|user name and password|no such authentication/,
    'proxy-credentials',
    'the proxy does not let the gate in',
    'give username and password under proxy',
  ],
  [/the proxy/, 'proxy', 'the proxy opened no way to it', 'look at the log of the proxy, and at what it allows'],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID/,
    'name',
    'its certificate is for another name',
    'call it by a name of its certificate, or write that name into tls.server-name',
  ],
  [
    /none of the pins/,
    'pin',
    'the key of its certificate is none that tls.pins names',
    'ask its operator whether the key was changed, and add the new pin if it was',
  ],
  [/CERT_HAS_EXPIRED/, 'expired', 'its certificate has ended', 'have its operator renew it, or compare the clocks'],
  [/CERT_NOT_YET_VALID/, 'not-yet-valid', 'its certificate is not valid yet', 'compare the clocks of both hosts'],
  [
    /UNABLE_TO_VERIFY_LEAF_SIGNATURE/,
    'intermediate',
    'it sends no intermediate certificate, or its CA is not known here',
    'have its operator send the whole chain, or name its CA under tls.ca',
  ],
  [/SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER/, 'untrusted', UNKNOWN_CA, 'name its CA under tls.ca of forward'],
  [
    /ERR_SSL_(?:WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)/,
    'not-tls',
    'what answers there does not speak TLS',
    'write http:// and the port of a plain listener, or the port that speaks TLS',
  ],
  [
    /ERR_SSL_(?:TLSV1_ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL)/,
    'tls-version',
    'it speaks no version of TLS that the gate takes here',
    'have it speak TLS 1.2 or 1.3; see tls.min-version',
  ],
  [
    /ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE/,
    'handshake',
    'it ended the handshake: for want of a client certificate, or of a cipher suite that both have',
    'where it wants one, add tls.certificate to forward',
  ],
  [
    /closed the connection|ECONNRESET|EPIPE/,
    'cut',
    'the connection was closed before the whole answer had come',
    'see its log of that time, by the X-Request-Id; where this is rare, let retry send again what may be sent again',
  ],
]

/** @param said by the connection, as the evidence of the refusal has it */
export function causeOfFailure(said: string): UpstreamCause | undefined {
  const known = KNOWN.find(([pattern]) => pattern.test(said))
  const refusal = refusalOfClientCert(/ERR_SSL_\w+/.exec(said)?.[0] ?? '', undefined)
  const [cause, because, mend] = refusal ?? (known ? [known[1], known[2], known[3]] : [])
  if (cause === undefined || because === undefined || mend === undefined) return undefined
  return { cause, because, mend, certainty: LIKELY.has(cause) ? 'likely' : 'proven' }
}
