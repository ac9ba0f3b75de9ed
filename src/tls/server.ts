import { constants } from 'node:crypto'
import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TlsOptions,
} from 'node:tls'
import type { Expiry } from '../core/resources.ts'
import type { SecretRef } from '../core/secret.ts'
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
  /** What each secure context is made with; `cert` and `key` are the default's. */
  readonly context: SecureContextOptions
  readonly contexts: ServerNames<SecureContext>
  /** By the SHA-256 of the certificate that each goes with. */
  readonly staples: ReadonlyMap<string, Staple>
  /** `undefined` where no `client-ca` is configured. */
  readonly trust: ClientTrust | undefined
  /** Every certificate and CRL of the listener, expired ones included. */
  readonly expiries: readonly Expiry[]
  /** What works and should be mended, for the log. */
  readonly warnings: readonly string[]
}

/** The TLS of one listener: options to create its server with, and what is in force. */
export interface ServerTls extends Omit<LoadedTls, 'context' | 'contexts' | 'staples'> {
  /** For `https.createServer`, once. */
  readonly options: TlsOptions
  /**
   * Puts what `next` loaded in force on this listener's running server, without closing a connection.
   * @returns `false` where the server can't take it over, because `client-ca` came or went: open the listener anew
   */
  update(next: ServerTls, server: Server): boolean
  /** Gives the server's handshakes the staple of their certificate. Once, before it listens. */
  serveStaples(server: Server): void
  /** What is in force now. */
  readonly loaded: LoadedTls
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
}

/**
 * Loads what a listener needs to terminate TLS. Client certificates are asked for where `client-ca` is set, and never
 * decide about the connection: each route says what it demands.
 * @throws TlsProblem where a certificate, key or CA can't be used; a bad CRL is a warning and refuses client certificates
 */
export function loadServerTls(
  config: ServerTlsConfig,
  readFile: (path: string) => Buffer,
  options: LoadOptions = {},
): ServerTls {
  return new ListenerTls(load(config, readFile, options))
}

/** Node's types leave out that there may be none. */
type StapleCallback = (error: Error | null, staple: Buffer | null) => void

class ListenerTls implements ServerTls {
  loaded: LoadedTls
  readonly options: TlsOptions

  constructor(loaded: LoadedTls) {
    this.loaded = loaded
    this.options = {
      ...loaded.context,
      ALPNProtocols: ['http/1.1'],
      requestCert: loaded.trust !== undefined,
      // A refusal here would end the connection for routes that ask for no certificate, and tell the sender nothing.
      rejectUnauthorized: false,
      // Asked for every handshake that names a server, so it has to read what is in force then.
      SNICallback: (name, done) => done(null, this.loaded.contexts.find(name)),
    }
  }

  get trust(): ClientTrust | undefined {
    return this.loaded.trust
  }
  get expiries(): readonly Expiry[] {
    return this.loaded.expiries
  }
  get warnings(): readonly string[] {
    return this.loaded.warnings
  }

  serveStaples(server: Server): void {
    server.on('OCSPRequest', (certificate: Buffer, _issuer: Buffer, done: StapleCallback) => {
      const staple = this.loaded.staples.get(sha256(certificate))
      const now = Date.now()
      const holds = staple !== undefined && staple.thisUpdate <= now && (staple.nextUpdate ?? now) >= now
      done(null, holds ? staple.der : null)
    })
  }

  update(next: ServerTls, server: Server): boolean {
    if ((next.loaded.trust === undefined) !== (this.loaded.trust === undefined)) return false
    server.setSecureContext(next.loaded.context)
    const before = this.loaded.trust
    // Verdicts hang on the object: the same trust, loaded again, keeps them.
    const trust = before !== undefined && before.digest === next.loaded.trust?.digest ? before : next.loaded.trust
    this.loaded = { ...next.loaded, trust }
    return true
  }
}

function load(config: ServerTlsConfig, readFile: (path: string) => Buffer, options: LoadOptions): LoadedTls {
  const now = options.now ?? Date.now()
  const reader = { readFile, modeOf: options.modeOf ?? (() => undefined), secretOf: options.secretOf ?? noSecret, now }
  const pairs = config.certificates.map(each => loadKeyPair(each, reader))
  const [first] = pairs
  if (first === undefined) throw new TlsProblem('the listener has no certificate', 'name one under certificates')
  const trust = loadTrust(config, readFile, options.listFolder ?? (() => undefined), now)
  const common = contextOptions(config, trust)
  const contexts = new ServerNames<SecureContext>()
  for (const pair of pairs) contexts.add(pair.leaf.names.dns, contextOf(pair, common))
  return {
    context: { ...common, cert: first.cert, key: first.key },
    contexts,
    staples: new Map(pairs.flatMap(({ leaf, staple }) => (staple ? [[sha256(leaf.der), staple] as const] : []))),
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
