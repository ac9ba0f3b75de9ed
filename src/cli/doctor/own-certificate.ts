import { PassThrough } from 'node:stream'
import { createSecureContext, TLSSocket } from 'node:tls'
import { CLIENT_AUTH } from '../../core/client-certificate.ts'
import { endsSoon, timeLeft } from '../../core/ending.ts'
import { type Finding, fail, warn } from '../../core/finding.ts'
import { Offline, type Resources } from '../../core/resources.ts'
import { type Certificate, readCertificate } from '../../tls/certificate.ts'
import type { ClientCertificateFiles } from '../../tls/client-config.ts'
import { loadClientIdentity } from '../../tls/client-identity.ts'
import { formatName } from '../../tls/distinguished-name.ts'
import { decodePem } from '../../tls/pem.ts'
import { TlsProblem } from '../../tls/problem.ts'
import { isoDate } from '../../tls/trust.ts'

const ANY_USE = '2.5.29.37.0'

/** The certificates that the gate shows, the leaf first; empty where it shows none, or they can't be read. */
export function ownChain(files: ClientCertificateFiles | undefined, resources: Resources): readonly Certificate[] {
  if (files === undefined) return []
  try {
    if (files.cert !== undefined)
      return decodePem(resources.file(files.cert).toString('latin1'))
        .filter(({ label }) => label.endsWith('CERTIFICATE'))
        .map(({ der }) => readCertificate(der))
    const { options } = loadClientIdentity(files, resources)
    const socket = new TLSSocket(new PassThrough(), { secureContext: createSecureContext(options) })
    const own = socket.getCertificate()
    socket.destroy()
    return own !== null && 'raw' in own ? [readCertificate(own.raw)] : []
  } catch (error) {
    if (error instanceof Offline || error instanceof TlsProblem) return []
    throw error
  }
}

/** What a server would find wrong with it. @param asked DER of the names of the CAs that the server takes */
export function ownCertificateFindings(chain: readonly Certificate[], asked: readonly Buffer[] | undefined): Finding[] {
  const [leaf] = chain
  if (leaf === undefined) return []
  const now = Date.now()
  const name = formatName(leaf.subject)
  const found: Finding[] = []
  if (leaf.notAfter < now)
    found.push(
      fail(
        'client-cert.expired',
        `the gate's certificate ${name} expired at ${isoDate(leaf.notAfter)}`,
        'have it renewed',
      ),
    )
  else if (leaf.notBefore > now)
    found.push(
      fail(
        'client-cert.not-yet-valid',
        `the gate's certificate ${name} is not valid before ${isoDate(leaf.notBefore)}`,
        "look at this host's clock",
      ),
    )
  else if (endsSoon({ kind: 'certificate', at: leaf.notAfter, since: leaf.notBefore }, now))
    found.push(
      warn(
        'client-cert.ends-soon',
        `the gate's certificate ${name} ends in ${timeLeft(leaf.notAfter - now)}`,
        'have it renewed',
      ),
    )
  const uses = leaf.extendedKeyUsage
  if (uses !== undefined && !uses.includes(CLIENT_AUTH) && !uses.includes(ANY_USE))
    found.push(
      fail(
        'client-cert.eku',
        `the gate's certificate ${name} is not for clients: its extendedKeyUsage lacks clientAuth`,
        'have one issued for client authentication',
      ),
    )
  if (asked && asked.length > 0 && !chain.some(({ issuer }) => asked.some(ca => ca.equals(issuer)))) {
    const top = chain.at(-1) ?? leaf
    found.push(
      fail(
        'client-cert.other-ca',
        `the gate's certificate was issued by ${formatName(top.issuer)}, and the server takes those of ${asked.slice(0, 5).map(formatName).join('; ')}`,
        'have it issued by one of these; where an intermediate issued it, append that to the file of the certificate',
        { certainty: 'likely' },
      ),
    )
  }
  return found
}
