import type { SecureContext, Server, TlsOptions } from 'node:tls'
import type { Expiry } from '../core/resources.ts'
import { Validations } from './acme/alpn.ts'
import { sha256 } from './certificate.ts'
import type { ServerTlsConfig } from './config.ts'
import { assemble, type Basis, type LoadedTls, type LoadOptions, loadBasis } from './loaded.ts'
import type { ClientTrust } from './trust.ts'

/** The TLS of one listener: options to create its server with, and what is in force. */
export interface ServerTls extends Pick<LoadedTls, 'trust' | 'expiries' | 'warnings'> {
  /** For `https.createServer`, once. */
  readonly options: TlsOptions
  /**
   * Puts what `next` loaded in force on this listener's running server, without closing a connection.
   * @returns `false` where the server can't take it over, because `client-ca` came or went: open the listener anew
   */
  update(next: ServerTls, server: Server): boolean
  /**
   * Puts the certificates in force that a CA has issued since, without closing a connection or reading a file.
   * @param server absent: this is only read
   * @throws TlsProblem where one can't be served; then what was in force still is
   */
  renew(server?: Server): void
  /** Gives the server's handshakes the staple of their certificate, and validations theirs. Once, before it listens. */
  attend(server: Server): void
  /** What is in force now. */
  readonly loaded: LoadedTls
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
  return new ListenerTls(loadBasis(config, readFile, options))
}

/** Node's types leave out that there may be none. */
type StapleCallback = (error: Error | null, staple: Buffer | null) => void

/** Ends a handshake, rather than let it have the certificate of another name. */
class CertificatePending extends Error {
  readonly code = 'ERR_TLS_CERTIFICATE_PENDING'
}

class ListenerTls implements ServerTls {
  #basis: Basis
  #validations: Validations | undefined
  loaded: LoadedTls
  readonly options: TlsOptions

  constructor(basis: Basis) {
    this.#basis = basis
    this.loaded = assemble(basis)
    this.#validations = basis.managed?.challenges && new Validations(basis.managed.challenges)
    const find = (socket: unknown, name: string): SecureContext | CertificatePending | undefined =>
      this.#validations?.of(socket) ?? this.#find(name)
    this.options = {
      ...this.loaded.context,
      ALPNProtocols: ['http/1.1'],
      requestCert: basis.trust !== undefined,
      // A refusal here would end the connection for routes that ask for no certificate, and tell the sender nothing.
      rejectUnauthorized: false,
      // Asked for every handshake that names a server, so it has to read what is in force then.
      SNICallback(this: unknown, name, done) {
        const found = find(this, name)
        if (found instanceof Error) done(found)
        else done(null, found)
      },
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

  attend(server: Server): void {
    this.#validate(server)
    server.on('OCSPRequest', (certificate: Buffer, _issuer: Buffer, done: StapleCallback) => {
      const staple = this.loaded.staples.get(sha256(certificate))
      const now = Date.now()
      const holds = staple !== undefined && staple.thisUpdate <= now && (staple.nextUpdate ?? now) >= now
      done(null, holds ? staple.der : null)
    })
  }

  update(next: ServerTls, server: Server): boolean {
    if (!(next instanceof ListenerTls)) return false
    if ((next.loaded.trust === undefined) !== (this.loaded.trust === undefined)) return false
    server.setSecureContext(next.loaded.context)
    const before = this.loaded.trust
    // Verdicts hang on the object: the same trust, loaded again, keeps them.
    const trust = before !== undefined && before.digest === next.loaded.trust?.digest ? before : next.loaded.trust
    this.#basis = { ...next.#basis, trust }
    this.loaded = { ...next.loaded, trust }
    this.#validations = next.#validations
    this.#validate(server)
    return true
  }

  renew(server?: Server): void {
    if (this.#basis.managed === undefined) return
    const loaded = assemble(this.#basis)
    server?.setSecureContext(loaded.context)
    this.loaded = loaded
  }

  #find(name: string): SecureContext | CertificatePending | undefined {
    const context = this.loaded.contexts.find(name)
    if (context !== undefined || !this.loaded.pending.has(name.toLowerCase())) return context
    return new CertificatePending(`there is no certificate for ${name} yet`)
  }

  /** Read for each new connection; Node's types know it as an option only. */
  #validate(server: Server): void {
    Object.assign(server, { ALPNCallback: this.#validations?.choose })
  }
}
