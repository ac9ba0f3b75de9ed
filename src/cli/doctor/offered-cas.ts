import type { ListenerConfig, RouteConfig } from '../../config/model.ts'
import type { Member } from '../../core/check.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { formatName } from '../../tls/distinguished-name.ts'
import type { ServerFlight } from '../../tls/server-flight.ts'
import type { Trust } from './trust.ts'
import type { World } from './world.ts'

/**
 * Whether a route that wants client certificates asks for them: a client chooses its certificate by the names of the CAs
 * that the server sends, and sends none where it has none of theirs.
 */
export function lookAtOfferedCas(
  { asks }: ServerFlight,
  route: RouteConfig,
  listener: ListenerConfig,
  anchorsOf: (path: string) => Trust['anchors'],
): Finding[] {
  if (!wantsClientCert(route.checks)) return []
  if (asks === undefined)
    return listener.proxyClientCert
      ? [
          fail(
            'client-cert.not-asked',
            'the route wants a client certificate, and what terminates TLS in front asks for none',
            'let it ask for client certificates and carry them on (nginx: ssl_verify_client optional_no_ca)',
          ),
        ]
      : [
          fail(
            'client-cert.not-asked',
            'the route wants a client certificate, and the server asks for none: something in front terminates TLS',
            'pass TLS through to the gate, or let the proxy carry the certificate: proxy-client-cert',
          ),
        ]
  const offered = asks.issuers.map(formatName)
  const path = listener.tls?.['client-ca'] ?? listener.proxyClientCert?.['client-ca']
  const expected = path === undefined ? [] : anchorsOf(path)
  if (offered.length === 0)
    return [
      warn(
        'client-cert.no-names',
        'client certificates are asked for without the names of their CAs, so a client with several has to guess',
        'name the CAs where TLS is terminated (nginx: ssl_client_certificate in place of ssl_trusted_certificate)',
      ),
    ]
  const missing = expected.filter(ca => !asks.issuers.some(name => name.equals(ca.subject)))
  if (missing.length > 0)
    return [
      fail(
        'client-cert.other-names',
        `client certificates are asked for of ${offered.slice(0, 5).join('; ')}, and not of ${missing.map(ca => formatName(ca.subject)).join('; ')}, which client-ca holds`,
        'put the CAs of client-ca where TLS is terminated as well, and reload it',
        { evidence: { offered: offered.slice(0, 20) } },
      ),
    ]
  return [
    ok('client-cert.names', `client certificates are asked for, of ${offered.slice(0, 5).join('; ')}`, {
      offered: offered.slice(0, 20),
    }),
  ]
}

export function wantsClientCert(checks: readonly Pick<Member, 'kind' | 'config'>[]): boolean {
  return checks.some(({ kind, config }) => kind.name === 'client-cert' || wantsClientCert(kind.members?.(config) ?? []))
}

/** The CAs of a file of the config; none where it can't be read, which the listener's own step says. */
export function anchorsIn(world: World, read: (pem: string) => Trust['anchors']): (path: string) => Trust['anchors'] {
  return path => {
    try {
      return read(world.loading.read(path).toString('latin1'))
    } catch {
      return []
    }
  }
}
