import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { RouteConfig } from '../../config/model.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { Offline, type Resources } from '../../core/resources.ts'
import { type Destination, tlsOptions } from '../../forward/dial.ts'
import { readCertificate, sha256 } from '../../tls/certificate.ts'
import { refusalOfClientCert } from '../../tls/client-cert-refusals.ts'
import { formatName } from '../../tls/distinguished-name.ts'
import { judgeServerChain } from '../../tls/server-chain.ts'
import { type Shaken, shakeHands } from '../../tls/shake-hands.ts'
import { handshakeFault } from './handshake-fault.ts'
import { ownCertificateFindings, ownChain } from './own-certificate.ts'
import { HANDSHAKE_MS } from './server-tls.ts'
import { foldersOf, trustOf } from './trust.ts'

/** TLS to an upstream as the route would speak it. */
export interface SecuredUpstream {
  /** `undefined` where nothing may be sent. */
  readonly socket: TLSSocket | undefined
  readonly findings: readonly Finding[]
}

export async function secureAsRoute(
  raw: Socket,
  destination: Destination,
  route: RouteConfig,
  resources: Resources,
  folder: string,
): Promise<SecuredUpstream> {
  const { tls = {} as NonNullable<RouteConfig['forward']['tls']> } = route.forward
  const own = ownChain(tls.certificate, resources)
  const name = tls['server-name'] ?? destination.host
  const shaken = await shakeHands(raw, { ...tlsOptions(destination), host: name }, HANDSHAKE_MS)
  if (shaken.fault)
    return {
      socket: undefined,
      findings: [...ownCertificateFindings(own, shaken.flight.asks?.issuers), refusedOr(shaken, route)],
    }
  const trust = trustOf(caOf(tls.ca, resources), foldersOf(tls.ca === undefined ? [] : [tls.ca], folder), undefined)
  const findings = judgeServerChain(shaken.flight.certificates, name, trust, Date.now()).map(finding =>
    forRoute(finding, tls.ca),
  )
  findings.push(...pinFindings(shaken, tls.pins))
  if (shaken.untrusted !== undefined && !findings.some(({ level }) => level === 'fail'))
    findings.push(
      fail(
        'tls.untrusted',
        `the route does not trust the server: ${shaken.untrusted}`,
        'look at ca, server-name and pins of forward.tls',
      ),
    )
  findings.push(...asked(shaken, route, own.length > 0), ...ownCertificateFindings(own, shaken.flight.asks?.issuers))
  if (shaken.untrusted === undefined) return { socket: shaken.socket, findings }
  shaken.socket?.destroy()
  return { socket: undefined, findings }
}

function caOf(path: string | undefined, resources: Resources): { path: string; pem: Buffer } | undefined {
  try {
    return path === undefined ? undefined : { path, pem: resources.file(path) }
  } catch (error) {
    if (error instanceof Offline) return undefined
    throw error
  }
}

/** Here it is the gate that has to trust, and not somebody outside. */
function forRoute(finding: Finding, ca: string | undefined): Finding {
  if (finding.cause === 'tls.private-ca' || finding.cause === 'tls.self-signed')
    return {
      ...finding,
      mend: ca === undefined ? 'name its CA in forward: tls: { ca: FILE }' : `put its CA into ${ca}`,
    }
  if (finding.cause === 'tls.name-mismatch')
    return { ...finding, mend: 'ask by a name that it has: in to, or by server-name of forward.tls' }
  return finding
}

function pinFindings({ flight }: Shaken, pins: readonly string[] | undefined): Finding[] {
  const [der] = flight.certificates
  if (pins === undefined || der === undefined) return []
  const spki = sha256(readCertificate(der).spki)
  if (pins.includes(spki)) return [ok('tls.pin', 'the key of the certificate is one of the pins')]
  return [
    fail(
      'tls.pin-mismatch',
      `the key of the certificate is none of the pins: its SPKI is ${spki}`,
      'ask its operator whether the key was changed, by another way; then add the pin',
      {
        evidence: { spki },
      },
    ),
  ]
}

/** What the server asks of the gate. */
function asked({ flight }: Shaken, { forward }: RouteConfig, shows: boolean): Finding[] {
  const { asks } = flight
  const names = asks?.issuers.map(formatName) ?? []
  const of = names.length === 0 ? 'without names of CAs' : `of ${names.slice(0, 5).join('; ')}`
  const evidence = { issuers: names.slice(0, 20) }
  if (asks === undefined)
    return shows
      ? [
          warn(
            'client-cert.not-asked',
            'the route has a client certificate, and the server asks for none',
            'is it the right host and port? Some services ask on another name or port alone',
          ),
        ]
      : []
  if (shows) return [ok('client-cert.asked', `the server asks for a client certificate, ${of}`, evidence)]
  // Where the route authenticates otherwise the server may only offer it.
  const tell = `the server asks for a client certificate, ${of}, and the route has none`
  const mend = 'add tls: { certificate: { cert: FILE, key: FILE } } to forward, where the service wants one'
  return [
    forward.authenticate ? ok('client-cert.asked', tell, evidence) : warn('client-cert.none', tell, mend, { evidence }),
  ]
}

/** A handshake that failed: for want of the certificate, or for what is wrong with it. */
function refusedOr(shaken: Shaken, route: RouteConfig): Finding {
  const fault = shaken.fault ?? { code: 'unknown', message: '' }
  return (
    clientCertRefusal(fault.code, route.forward.tls?.certificate !== undefined) ??
    handshakeFault(fault, new URL(route.forward.to).host)
  )
}

/** An alert about the client's certificate; over TLS 1.3 it comes in place of the first answer. */
export function clientCertRefusal(code: string, shows: boolean): Finding | undefined {
  const known = refusalOfClientCert(code, shows)
  if (known === undefined) return undefined
  const [cause, because, mend] = known
  return fail(cause, `${because} (${code})`, mend, { evidence: { code } })
}
