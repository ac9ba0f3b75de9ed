import { isIP } from 'node:net'
import type { ConnectionOptions, SecureVersion } from 'node:tls'
import { createSecureContext } from 'node:tls'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { readCertificate } from '../../tls/certificate.ts'
import { formatName } from '../../tls/distinguished-name.ts'
import { judgeServerChain } from '../../tls/server-chain.ts'
import { type Shaken, shakeHands } from '../../tls/shake-hands.ts'
import { connectTo } from './connect.ts'
import { handshakeFault } from './handshake-fault.ts'
import type { Trust } from './trust.ts'

export const HANDSHAKE_MS = 10_000

/** Where a TLS server is asked. */
export interface TlsPlace {
  readonly address: string
  readonly port: number
  /** Of the URL. */
  readonly host: string
}

/** What a server of TLS showed to a stranger. */
export interface SeenServer {
  /** `undefined` where no handshake came to its end. */
  readonly shaken: Shaken | undefined
  /** Whether something may be sent there. */
  readonly trusted: boolean
  readonly findings: readonly Finding[]
}

/** Looks at a server as strangers do: its chain, its versions, and what it shows to those who name nobody. */
export async function lookAtServer(place: TlsPlace, trust: Trust): Promise<SeenServer> {
  const host = place.host.replace(/^\[|\]$/g, '')
  const servername = isIP(host) === 0 ? host : undefined
  const shaken = await shake(place, {
    host,
    ...(servername === undefined ? {} : { servername }),
    secureContext: trust.context,
  })
  if (shaken === undefined || shaken.fault) {
    const fault = shaken?.fault ?? { code: 'ECONNRESET', message: 'no connection' }
    return { shaken: undefined, trusted: false, findings: [handshakeFault(fault, place.host)] }
  }
  shaken.socket?.destroy()
  const findings = judgeServerChain(shaken.flight.certificates, host, trust, Date.now())
  if (shaken.untrusted !== undefined && !findings.some(({ level }) => level === 'fail'))
    findings.push(
      fail(
        'tls.untrusted',
        `the TLS library does not trust the certificate: ${shaken.untrusted}`,
        'issue the certificate anew',
        {
          evidence: { code: shaken.untrusted },
        },
      ),
    )
  findings.push(...(await versions(place, { host, ...(servername === undefined ? {} : { servername }) }, shaken)))
  if (servername !== undefined) findings.push(...(await withoutName(place, host, shaken)))
  return { shaken, trusted: !findings.some(({ level }) => level === 'fail'), findings }
}

/** Whether a port that was asked in plain http is one of TLS. */
export async function speaksTls(place: TlsPlace): Promise<boolean> {
  const shaken = await shake(place, {})
  shaken?.socket?.destroy()
  return shaken !== undefined && (shaken.version !== undefined || shaken.flight.certificates.length > 0)
}

async function shake({ address, port }: TlsPlace, options: ConnectionOptions): Promise<Shaken | undefined> {
  const socket = await connectTo(address, port)
  if (typeof socket === 'string') return undefined
  return shakeHands(socket, { ALPNProtocols: ['http/1.1'], ...options }, HANDSHAKE_MS)
}

const ALL: readonly SecureVersion[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

async function versions(place: TlsPlace, options: ConnectionOptions, first: Shaken): Promise<Finding[]> {
  const spoken: string[] = []
  for (const version of ALL) {
    if (version === first.version) {
      spoken.push(version)
      continue
    }
    // The library leaves the old ones out at its usual level of security.
    const ciphers = version < 'TLSv1.2' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}
    const secureContext = createSecureContext({ minVersion: version, maxVersion: version, ...ciphers })
    const shaken = await shake(place, { ...options, secureContext })
    shaken?.socket?.destroy()
    if (shaken?.version !== undefined) spoken.push(version)
  }
  const old = spoken.filter(version => version < 'TLSv1.2')
  if (old.length > 0)
    return [
      warn(
        'tls.old-version',
        `${old.join(' and ')} is spoken, which is deprecated (RFC 8996)`,
        'allow TLS 1.2 and 1.3 alone in what terminates TLS',
        { evidence: { versions: spoken } },
      ),
    ]
  return [ok('tls.versions', `${spoken.join(' and ')} is spoken, nothing older`, { versions: spoken })]
}

/** Old clients, and those that were given an address, name no server: the default certificate is theirs. */
async function withoutName(place: TlsPlace, host: string, named: Shaken): Promise<Finding[]> {
  const shaken = await shake(place, { host, servername: '' })
  shaken?.socket?.destroy()
  const der = shaken?.flight.certificates[0]
  if (der === undefined)
    return [
      warn(
        'tls.name-needed',
        'a client that sends no server name (SNI) gets no certificate',
        'where a sender is that old, make this certificate the default one',
      ),
    ]
  if (named.flight.certificates[0]?.equals(der))
    return [ok('tls.default-certificate', 'it is the default certificate as well')]
  const other = readCertificate(der)
  if (other.x509.checkHost(host) !== undefined)
    return [ok('tls.default-certificate', 'the default certificate names the host as well')]
  return [
    warn(
      'tls.default-certificate',
      `a client that sends no server name (SNI) gets another certificate, ${formatName(other.subject)}, which does not name ${host}`,
      'where a sender is that old, make the certificate of this name the default one: the first of the list',
    ),
  ]
}
