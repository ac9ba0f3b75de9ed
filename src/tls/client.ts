import { createHash } from 'node:crypto'
import {
  type ConnectionOptions,
  checkServerIdentity,
  createSecureContext,
  getCACertificates,
  type PeerCertificate,
  type SecureContext,
  type SecureContextOptions,
} from 'node:tls'
import type { Expiry, Resources } from '../core/resources.ts'
import { readCertificate, sha256 } from './certificate.ts'
import type { ClientTlsConfig } from './client-config.ts'
import { loadClientIdentity } from './client-identity.ts'
import { decodePem } from './pem.ts'
import { TlsProblem } from './problem.ts'

/** How connections to one upstream speak TLS, loaded whole. */
export interface ClientTls {
  /** For `tls.connect`. */
  readonly options: Pick<ConnectionOptions, 'secureContext' | 'servername' | 'checkServerIdentity'>
  /** The same for the same settings and the same contents of their files, so that connections can be kept. */
  readonly id: string
  /** The same to another host than the upstream's, which has a name and a key of its own. */
  readonly elsewhere: Pick<ClientTls, 'options' | 'id'>
  readonly files: ClientTlsFiles
}

/** What was read for connections to an upstream, and fits; plain, so that another thread can use it. */
export interface ClientTlsFiles {
  readonly options: SecureContextOptions
  /** The same for the same contents. */
  readonly digest: string
  readonly expiries: readonly Expiry[]
}

/**
 * Loads what the gate needs to speak TLS to an upstream, and tells what of it ends when.
 * @throws TlsProblem where a certificate, key or CA can't be used; Offline where a file is missing
 */
export function loadClientTls(
  config: ClientTlsConfig,
  resources: Pick<Resources, 'file' | 'secret' | 'expires'>,
): ClientTls {
  const identity = config.certificate && loadClientIdentity(config.certificate, resources)
  const ca = config.ca === undefined ? undefined : readCa(config.ca, resources.file(config.ca))
  const options: SecureContextOptions = {
    ...identity?.options,
    ...(ca === undefined ? {} : { ca: [...ca.certificates] }),
    minVersion: config['min-version'],
  }
  const expiries = [...(identity?.expiries ?? []), ...(ca?.expiries ?? [])]
  return clientTlsFrom(config, { options, digest: digestOf([JSON.stringify(options)]), expiries }, resources)
}

/** The same from what was read before. @throws TlsProblem where the TLS library refuses it */
export function clientTlsFrom(
  config: ClientTlsConfig,
  files: ClientTlsFiles,
  resources: Pick<Resources, 'expires'>,
): ClientTls {
  const { options, digest, expiries } = files
  const servername = config['server-name']
  const pins = new Set(config.pins)
  const isOwn = config.certificate !== undefined || config.ca !== undefined
  const secureContext = isOwn ? contextOf(options) : systemContext(options)
  // Told once all of it is known to be of use: what is refused ends no sooner or later than what stays in its place.
  for (const expiry of expiries) resources.expires(expiry)
  return {
    options: {
      secureContext,
      ...(servername === undefined ? {} : { servername }),
      ...(pins.size === 0 ? {} : { checkServerIdentity: (host, peer) => identityFault(host, peer, pins) }),
    },
    id: digestOf([digest, servername ?? '', ...pins]),
    elsewhere: { options: { secureContext }, id: digestOf([digest, '']) },
    files,
  }
}

/** What is at fault with the name or the key of a certificate whose chain has been verified. */
function identityFault(host: string, peer: PeerCertificate, pins: ReadonlySet<string>): Error | undefined {
  const fault = checkServerIdentity(host, peer)
  if (fault) return fault
  // The leaf's alone: of the issuers that a server sends, the library does not say which it used to verify it.
  const spki = sha256(readCertificate(peer.raw).spki)
  return pins.has(spki) ? undefined : new Error(`the key of the certificate is none of the pins: its SPKI is ${spki}`)
}

function readCa(path: string, pem: Buffer): { certificates: readonly string[]; expiries: readonly Expiry[] } {
  const blocks = decodePem(pem.toString('latin1')).filter(({ label }) => label === 'CERTIFICATE')
  if (blocks.length === 0) throw new TlsProblem(`${path} holds no certificate`, 'put the CA certificates there as PEM')
  try {
    const all = blocks.map(({ der }) => readCertificate(der))
    const next = all.reduce((a, b) => (b.notAfter < a.notAfter ? b : a))
    return {
      certificates: all.map(({ x509 }) => x509.toString()),
      expiries: [{ kind: 'certificate', name: path, at: next.notAfter, since: next.notBefore }],
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TlsProblem(`${path}: a certificate can not be read: ${reason}`, 'put the CA certificates there as PEM')
  }
}

const systemContexts = new Map<string, SecureContext>()

/** Made once for each version: hundreds of certificates take tens of milliseconds. */
function systemContext(options: SecureContextOptions): SecureContext {
  const key = String(options.minVersion)
  const context = systemContexts.get(key) ?? contextOf({ ...options, ca: systemCas() })
  systemContexts.set(key, context)
  return context
}

/** The system's; where it has none, as in a bare container, those that come with Node. With NODE_EXTRA_CA_CERTS. */
export function systemCas(): string[] {
  const system = getCACertificates('system')
  return [...(system.length > 0 ? system : getCACertificates('bundled')), ...getCACertificates('extra')]
}

function contextOf(options: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(options.ca === undefined ? { ...options, ca: systemCas() } : options)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TlsProblem(`the TLS library refuses the certificate or key: ${reason}`, 'issue it anew, ECDSA P-256')
  }
}

function digestOf(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:${part}`)
  return hash.digest('base64')
}
