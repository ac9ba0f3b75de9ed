import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Expiry } from '../core/resources.ts'
import type { SecretRef } from '../core/secret.ts'
import type { Challenges } from './acme/challenges.ts'
import type { AcmeConfig } from './acme/config.ts'
import { sha256 } from './certificate.ts'
import type { ServerTlsConfig } from './config.ts'
import { type KeyPair, loadKeyPair } from './key-pair.ts'
import { TlsProblem } from './problem.ts'
import { profileOptions } from './profile.ts'
import { ServerNames } from './server-names.ts'
import type { Staple } from './staple.ts'
import type { ClientTrust } from './trust.ts'
import { loadTrustFiles } from './trust-files.ts'

/** One generation of a listener's certificates and trust, loaded whole. */
export interface LoadedTls {
  /** What each secure context is made with; `cert` and `key` are the default's, where there is one. */
  readonly context: SecureContextOptions
  readonly contexts: ServerNames<SecureContext>
  /** By the SHA-256 of the certificate that each goes with. */
  readonly staples: ReadonlyMap<string, Staple>
  /** Names whose certificate is not there yet. */
  readonly pending: ReadonlySet<string>
  /** `undefined` where no `client-ca` is configured. */
  readonly trust: ClientTrust | undefined
  /** Every certificate and CRL of the listener, expired ones included. */
  readonly expiries: readonly Expiry[]
  /** What works and should be mended, for the log. */
  readonly warnings: readonly string[]
}

export interface LoadOptions {
  /** The permission bits of a file; `undefined` where there are none. Default: not looked at. */
  readonly modeOf?: (path: string) => number | undefined
  /** The names of what is in a folder; `undefined` where the path is none. Default: nothing is a folder. */
  readonly listFolder?: (path: string) => readonly string[] | undefined
  /** The passphrase that a reference names. Default: there are none. @throws where it is missing */
  readonly secretOf?: (ref: SecretRef) => string
  /** Epoch milliseconds. */
  readonly now?: number
  /** The certificates that a CA issues while the gate runs. Default: there are none. */
  readonly managed?: (config: AcmeConfig) => ManagedCertificates
}

/** Certificates of some names that come and are renewed by themselves. */
export interface ManagedCertificates {
  readonly names: readonly string[]
  /** What is there now, in the order of the names. */
  pairs(): readonly KeyPair[]
  /** What validations are answered with in the handshake; `undefined` where they are made otherwise. */
  readonly challenges: Challenges | undefined
}

/** What was read for a listener, and what its certificates are put together from. */
export interface Basis {
  readonly common: SecureContextOptions
  readonly pairs: readonly KeyPair[]
  readonly managed: ManagedCertificates | undefined
  readonly trust: ClientTrust | undefined
  /** Of pairs that stay, their contexts do. */
  readonly made: WeakMap<KeyPair, SecureContext>
}

/** @throws TlsProblem where a certificate, key or CA can't be used */
export function loadBasis(
  config: ServerTlsConfig,
  readFile: (path: string) => Buffer,
  { modeOf = () => undefined, listFolder = () => undefined, secretOf = noSecret, ...options }: LoadOptions,
): Basis {
  const now = options.now ?? Date.now()
  const pairs = config.certificates.map(each => loadKeyPair(each, { readFile, modeOf, secretOf, now }))
  const managed = config.acme && options.managed?.(config.acme)
  if (pairs.length === 0 && managed === undefined)
    throw new TlsProblem('the listener has no certificate', 'name one under certificates, or let acme obtain one')
  const trust = loadTrust(config, readFile, listFolder, now)
  return { common: contextOptions(config, trust), pairs, managed, trust, made: new WeakMap() }
}

/**
 * Puts together what is served: the files' certificates, then those of the CA that are there by now.
 * @throws TlsProblem where the TLS library refuses one
 */
export function assemble({ common, pairs: own, managed, trust, made }: Basis): LoadedTls {
  const pairs = [...own, ...(managed?.pairs() ?? [])]
  const contexts = new ServerNames<SecureContext>()
  for (const pair of pairs) {
    const context = made.get(pair) ?? contextOf(pair, common)
    made.set(pair, context)
    contexts.add(pair.leaf.names.dns, context)
  }
  const [first] = pairs
  return {
    context: first === undefined ? common : { ...common, cert: first.cert, key: first.key },
    contexts,
    staples: new Map(pairs.flatMap(({ leaf, staple }) => (staple ? [[sha256(leaf.der), staple] as const] : []))),
    pending: new Set(managed?.names.filter(name => contexts.find(name) === undefined)),
    trust,
    expiries: [...pairs.flatMap(pair => pair.expiries), ...(trust?.expiries ?? [])],
    warnings: [...pairs.flatMap(pair => pair.warnings), ...(trust?.problems ?? [])],
  }
}

function noSecret(ref: SecretRef): string {
  throw new TlsProblem(`the passphrase ${ref} is not to be had`, 'load it with a reader of secrets')
}

function loadTrust(
  config: ServerTlsConfig,
  readFile: (path: string) => Buffer,
  listFolder: (path: string) => readonly string[] | undefined,
  now: number,
): ClientTrust | undefined {
  const ca = config['client-ca']
  const crl = config['client-crl']
  if (ca !== undefined) return loadTrustFiles({ 'client-ca': ca, 'client-crl': crl }, readFile, listFolder, now)
  if (crl === undefined) return undefined
  throw new TlsProblem('client-crl without client-ca', 'name the CA that signs the CRL under client-ca')
}

function contextOptions(config: ServerTlsConfig, trust: ClientTrust | undefined): SecureContextOptions {
  const profile = profileOptions(config.profile)
  if (trust === undefined) return profile
  return {
    ...profile,
    ca: trust.anchors.map(({ x509 }) => x509.toString()),
    // client-ca may hold an intermediate alone; our own check treats its certificates as anchors too.
    allowPartialTrustChain: true,
    // A resumed session brings the identity of its first handshake, which today's CAs and CRLs might refuse.
    secureOptions: (profile.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET,
  }
}

function contextOf(pair: KeyPair, common: SecureContextOptions): SecureContext {
  try {
    return createSecureContext({ ...common, cert: pair.cert, key: pair.key })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TlsProblem(
      `the TLS library refuses the certificate ${pair.leaf.x509.subject}: ${reason}`,
      'issue it anew, ECDSA P-256 or RSA 2048',
    )
  }
}
