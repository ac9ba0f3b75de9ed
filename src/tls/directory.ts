import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { type Certificate, readCertificate } from './certificate.ts'
import { type Crl, readCrl } from './crl.ts'
import {
  hostNames,
  type Issued,
  issueCa,
  issueCrl,
  issueLeaf,
  type KeyKind,
  type LeafRequest,
  type Names,
  type Revocation,
} from './issue.ts'
import { readKey } from './key-pair.ts'
import { decodePem } from './pem.ts'
import { makePkcs12 } from './pkcs12.ts'
import { TlsProblem } from './problem.ts'

/** What became of one certificate or CRL of the directory. */
export interface CertFile {
  /** Name of the certificate's or CRL's file; a key is beside it. */
  readonly file: string
  readonly did: 'made' | 'kept' | 'renewed'
  /** For people: `CA of the servers`. */
  readonly role: string
  /** Epoch milliseconds. */
  readonly notAfter: number
  /** Names that were asked for and that the certificate, which was kept, does not have. */
  readonly lacks: readonly string[]
}

export interface InitOptions {
  /** More names for the server's certificate, DNS names or addresses. */
  readonly names?: readonly string[]
  /** Of the keys that are made. Default ECDSA. */
  readonly key?: KeyKind | undefined
  /** Makes everything anew, over what is there. */
  readonly force?: boolean
  /** Epoch milliseconds. */
  readonly now: number
}

const LOCAL_NAMES = ['localhost', '127.0.0.1', '::1']
const CLIENT_NAMES: Names = { dns: ['client.example'], uris: ['spiffe://client.example/webhooks'] }
const BRIDGE_NAMES: Names = { dns: ['bridge.example'], uris: ['spiffe://bridge.example/crm'] }
const RENEW_CRL_BEFORE_MS = 7 * 86_400_000
const CLIENTS_CRL = 'clients.crl'

/**
 * Fills `dir` with a CA and a server certificate, the clients' CA with a client, a bridge and a CRL. What is there is
 * kept, except a CRL with less than a week left, which is signed anew. Keys get mode 0600, a new directory 0700.
 * @throws TlsProblem where half of a pair is missing or a CA's key is needed and absent
 */
export async function initCertificates(dir: string, options: InitOptions): Promise<CertFile[]> {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const { now } = options
  const force = options.force ?? false
  const { key } = options
  const leaf = (commonName: string, use: LeafRequest['use'], names: Names) => ({ commonName, use, names, now, key })
  const server = hostNames([...new Set([...LOCAL_NAMES, ...(options.names ?? [])])])
  const report: CertFile[] = []
  const ensure = async (name: string, role: string, make: () => Promise<Issued>): Promise<void> => {
    const kept = !force && hasPair(dir, name)
    if (!kept) writePair(dir, name, await make(), force)
    const certificate = certificateIn(join(dir, `${name}.crt`))
    const lacks = name === 'server' ? (options.names ?? []).filter(wanted => !hasName(certificate, wanted)) : []
    report.push({ file: `${name}.crt`, did: kept ? 'kept' : 'made', role, notAfter: certificate.notAfter, lacks })
  }
  await ensure('ca', 'CA of the server', () => issueCa('Sallyport server CA', now, key))
  await ensure('server', 'server', () => issueLeaf(authority(dir, 'ca'), leaf('localhost', 'server', server)))
  await ensure('clients-ca', 'CA of the clients', () => issueCa('Sallyport clients CA', now, key))
  const client = (name: string, names: Names) => () =>
    issueLeaf(authority(dir, 'clients-ca'), leaf(name, 'client', names))
  await ensure('client', 'client', client('client', CLIENT_NAMES))
  await ensure('bridge', "client certificate of the gate's own requests", client('bridge', BRIDGE_NAMES))
  report.push(await ensureCrl(dir, now, force))
  return report
}

/** A further client certificate, signed by the clients' CA. @throws TlsProblem where `base`.crt or .key is there already */
export async function addClient(
  dir: string,
  base: string,
  request: Omit<LeafRequest, 'use'>,
  force = false,
): Promise<void> {
  const issued = await issueLeaf(authority(dir, 'clients-ca'), { ...request, use: 'client' })
  if (!force) for (const file of [`${base}.crt`, `${base}.key`]) refuseExisting(file)
  writeFile(`${base}.key`, issued.key, 0o600)
  writeFile(`${base}.crt`, issued.certificate, 0o644)
}

/** Adds a certificate to the clients' CRL and signs it anew. @returns `false` where it was revoked before. */
export async function revokeCertificate(dir: string, file: string, now: number): Promise<boolean> {
  const ca = authority(dir, 'clients-ca')
  const certificate = certificateIn(file)
  const issuer = certificateIn(join(dir, 'clients-ca.crt'))
  if (!certificate.issuer.equals(issuer.subject) || !certificate.x509.verify(issuer.x509.publicKey)) {
    throw new TlsProblem(
      `${file} is not issued by the clients' CA of ${dir}`,
      'name a certificate of this CA: another one has its own CRL',
    )
  }
  const path = join(dir, CLIENTS_CRL)
  const old = existsSync(path) ? crlIn(path) : undefined
  if (old?.revoked.has(certificate.serial)) return false
  const revoked = [...entriesOf(old), { serial: certificate.serial, at: now }]
  writeFile(path, await issueCrl(ca, revoked, nextNumber(old), now), 0o644)
  return true
}

/** Whether the clients' CRL of the directory has it. @throws TlsProblem where the CRL can't be read */
export function isRevoked(dir: string, { serial }: Certificate): boolean {
  const path = join(dir, CLIENTS_CRL)
  return existsSync(path) && crlIn(path).revoked.has(serial)
}

/** Writes a PKCS#12 bundle of `name`.crt, its CA where the directory has it, and `name`.key; mode 0600. @throws TlsProblem */
export async function bundleClient(
  dir: string,
  name: string,
  out: string,
  password: string,
  force = false,
): Promise<void> {
  const [certificate, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
  const leaf = certificateIn(certificate)
  const keyPem = readText(key)
  if (!leaf.x509.checkPrivateKey(readKey(key, Buffer.from(keyPem)))) {
    throw new TlsProblem(`${key} is not the key of ${certificate}`, 'put the two files that were issued together there')
  }
  if (!force) refuseExisting(out)
  const ca = join(dir, 'clients-ca.crt')
  const issuer = existsSync(ca) && certificateIn(ca).subject.equals(leaf.issuer) ? readText(ca) : ''
  const certificates = readText(certificate) + issuer
  writeFile(out, await makePkcs12({ certificates, key: keyPem, friendlyName: name, password }), 0o600)
}

/** The first certificate of a PEM file. @throws TlsProblem */
export function certificateIn(file: string): Certificate {
  const block = decodePem(readText(file)).find(({ label }) => label === 'CERTIFICATE')
  if (block === undefined)
    throw new TlsProblem(`${file} holds no certificate`, 'name a PEM file with BEGIN CERTIFICATE')
  try {
    return readCertificate(block.der)
  } catch (error) {
    throw new TlsProblem(
      `${file} can not be read: ${messageOf(error)}`,
      'name a PEM file with a whole X.509 certificate',
    )
  }
}

async function ensureCrl(dir: string, now: number, force: boolean): Promise<CertFile> {
  const path = join(dir, CLIENTS_CRL)
  const role = 'CRL of the clients'
  const old = existsSync(path) && !force ? crlIn(path) : undefined
  const due = old?.nextUpdate ?? 0
  if (due - now >= RENEW_CRL_BEFORE_MS) return { file: CLIENTS_CRL, did: 'kept', role, notAfter: due, lacks: [] }
  writeFile(path, await issueCrl(authority(dir, 'clients-ca'), entriesOf(old), nextNumber(old), now), 0o644)
  return {
    file: CLIENTS_CRL,
    did: old === undefined ? 'made' : 'renewed',
    role,
    notAfter: crlIn(path).nextUpdate ?? 0,
    lacks: [],
  }
}

function hasName({ names, x509 }: Certificate, wanted: string): boolean {
  return isIP(wanted) === 0 ? names.dns.includes(wanted.toLowerCase()) : x509.checkIP(wanted) !== undefined
}

function entriesOf(crl: Crl | undefined): Revocation[] {
  return Array.from(crl?.revoked ?? [], ([serial, at]) => ({ serial, at }))
}

function nextNumber(crl: Crl | undefined): bigint {
  return (crl?.number ?? 0n) + 1n
}

function crlIn(file: string): Crl {
  const block = decodePem(readText(file)).find(({ label }) => label === 'X509 CRL')
  if (block === undefined) {
    throw new TlsProblem(`${file} holds no CRL`, 'restore it, or remove it and revoke its certificates again')
  }
  return readCrl(block.der)
}

/** A CA's certificate and key. @throws TlsProblem */
export function authority(dir: string, name: string): Issued {
  const [certificate, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
  for (const file of [certificate, key]) {
    if (!existsSync(file)) {
      throw new TlsProblem(
        `${file} is missing`,
        `restore it, or make a new directory: sallyport certs init --dir ${dir}`,
      )
    }
  }
  const issued = { certificate: readText(certificate), key: readText(key) }
  if (!certificateIn(certificate).ca) throw new TlsProblem(`${certificate} is no CA`, 'put a CA certificate there')
  return issued
}

function hasPair(dir: string, name: string): boolean {
  const there = [`${name}.crt`, `${name}.key`].filter(file => existsSync(join(dir, file)))
  // A CA whose key is kept elsewhere is whole for everybody but an issuer.
  if (there.length === 1 && !(there[0] === `${name}.crt` && name.endsWith('ca'))) {
    throw new TlsProblem(
      `${join(dir, there[0] ?? '')} is there without its other half`,
      `restore ${name}.crt and ${name}.key, or remove both and run it again`,
    )
  }
  return there.length > 0
}

function writePair(dir: string, name: string, issued: Issued, force: boolean): void {
  const [certificate, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)]
  if (!force) for (const file of [certificate, key]) refuseExisting(file)
  writeFile(key, issued.key, 0o600)
  writeFile(certificate, issued.certificate, 0o644)
}

export function refuseExisting(file: string): void {
  if (existsSync(file))
    throw new TlsProblem(`${file} is there already`, 'name another file, or add --force to replace it')
}

/** Written beside and renamed, so that a reader sees the old file or the new one whole. */
export function writeFile(path: string, text: string | Buffer, mode: number): void {
  const temporary = `${path}.${process.pid}.new`
  writeFileSync(temporary, text, { mode, flag: 'wx' })
  renameSync(temporary, path)
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new TlsProblem(`${file} can not be read: ${messageOf(error)}`, 'name a file that is there and readable')
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
