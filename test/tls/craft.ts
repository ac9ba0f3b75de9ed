import { execFile } from 'node:child_process'
import type { webcrypto } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Extension } from '@peculiar/x509'
import { peculiar } from '../../src/tls/peculiar.ts'
import { encodePem } from '../../src/tls/pem.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
export const DAY = 86_400_000
export const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
export const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

export interface Crafted {
  readonly certificate: string
  readonly key: string
  readonly keys: webcrypto.CryptoKeyPair
  readonly serial: string
  readonly subject: string
}

export interface Craft {
  readonly subject: string
  /** Absent: self-signed. */
  readonly issuer?: Crafted
  readonly ca?: boolean
  readonly pathLength?: number
  readonly usage?: readonly string[] | undefined
  readonly notBefore?: number
  readonly notAfter?: number
  readonly dns?: readonly string[]
  readonly extra?: readonly Extension[]
  /** Certifies these keys instead of new ones. */
  readonly keys?: webcrypto.CryptoKeyPair
  /** Signs with this instead of the issuer's key. */
  readonly signer?: Crafted
}

let serials = 0x5000

/** A certificate exactly as described, however wrong. */
export async function craft(options: Craft): Promise<Crafted> {
  const x509 = await peculiar()
  const keys = options.keys ?? (await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']))
  const serial = (serials++).toString(16)
  const ca = options.ca ?? false
  const flags = ca ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign : x509.KeyUsageFlags.digitalSignature
  const usage = 'usage' in options ? options.usage : ca ? undefined : [CLIENT_AUTH]
  const extensions: Extension[] = [
    new x509.BasicConstraintsExtension(ca, options.pathLength, true),
    new x509.KeyUsagesExtension(flags, true),
    ...(usage === undefined ? [] : [new x509.ExtendedKeyUsageExtension([...usage])]),
    ...(options.dns === undefined
      ? []
      : [new x509.SubjectAlternativeNameExtension(options.dns.map(value => ({ type: 'dns', value })))]),
    ...(options.extra ?? []),
  ]
  const issuer = options.issuer
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial,
    subject: options.subject,
    issuer: issuer?.subject ?? options.subject,
    notBefore: new Date(options.notBefore ?? Date.now() - DAY),
    notAfter: new Date(options.notAfter ?? Date.now() + 30 * DAY),
    publicKey: keys.publicKey,
    signingKey: (options.signer ?? issuer)?.keys.privateKey ?? keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions,
  })
  return {
    certificate: encodePem('CERTIFICATE', new Uint8Array(certificate.rawData)),
    key: encodePem('PRIVATE KEY', new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey))),
    keys,
    serial,
    subject: options.subject,
  }
}

/** A CRL as described, PEM. */
export async function craftCrl(
  issuer: Crafted,
  options: { revoked?: readonly string[]; thisUpdate?: number; nextUpdate?: number; extra?: readonly Extension[] } = {},
): Promise<string> {
  const x509 = await peculiar()
  const crl = await x509.X509CrlGenerator.create({
    issuer: issuer.subject,
    thisUpdate: new Date(options.thisUpdate ?? Date.now() - DAY),
    nextUpdate: new Date(options.nextUpdate ?? Date.now() + DAY),
    entries: (options.revoked ?? []).map(serialNumber => ({ serialNumber, revocationDate: new Date() })),
    signingAlgorithm: ALGORITHM,
    signingKey: issuer.keys.privateKey,
    ...(options.extra === undefined ? {} : { extensions: [...options.extra] }),
  })
  return encodePem('X509 CRL', new Uint8Array(crl.rawData))
}

/** A folder that is gone after `using`. */
export function temporaryFolder(): Disposable & { path: string; write(name: string, text: string): string } {
  const path = mkdtempSync(join(tmpdir(), 'sallyport-tls-'))
  return {
    path,
    write(name, text) {
      writeFileSync(join(path, name), text, { mode: 0o600 })
      return join(path, name)
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, with `input` as its standard input. @param timeout milliseconds */
export function run(command: string, args: readonly string[], input = '', timeout = 15_000): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(command, args, { timeout, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr })
    })
    // A server that refuses the handshake may close before the input is read.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
  })
}

export const openssl = (args: readonly string[], input = ''): Promise<Ran> => run('openssl', args, input)
