import { TlsProblem } from './problem.ts'
import { type ClientTrust, type CrlFile, loadClientTrust } from './trust.ts'

/** Whom to trust, as configured. Paths are relative to the config file. */
export interface ClientTrustConfig {
  readonly 'client-ca': string
  /** CRLs of the client CA, PEM or DER: files, or folders of them. */
  readonly 'client-crl'?: string | readonly string[] | undefined
}

/**
 * Reads the clients' CAs and CRLs from where the config says.
 * @param listFolder gives the names in a folder, `undefined` where the path is none
 * @throws TlsProblem where the CAs can't be read; a CRL, or a folder of them, that can't is among the trust's problems
 */
export function loadTrustFiles(
  config: ClientTrustConfig,
  readFile: (path: string) => Buffer,
  listFolder: (path: string) => readonly string[] | undefined,
  now: number,
): ClientTrust {
  const path = config['client-ca']
  const crl = config['client-crl']
  let pem: Buffer
  try {
    pem = readFile(path)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TlsProblem(`${path} can not be read: ${reason}`, 'put the CA certificates there, readable by the gate')
  }
  if (crl === undefined) return loadClientTrust({ ca: { path, pem } }, now)
  const crls = [crl].flat().flatMap((each): CrlFile[] => {
    const names = namesIn(each, listFolder)
    if (names instanceof Error) return [{ path: each, read: () => fail(names) }]
    if (names === undefined) return [{ path: each, read: () => readFile(each) }]
    const files = names.filter(isCrlName).toSorted()
    return files.map(name => ({ path: `${each}/${name}`, read: () => readFile(`${each}/${name}`) }))
  })
  return loadClientTrust({ ca: { path, pem }, crls }, now)
}

/** @returns the error of a folder that can't be listed */
function namesIn(
  path: string,
  listFolder: (path: string) => readonly string[] | undefined,
): readonly string[] | undefined | Error {
  try {
    return listFolder(path)
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function fail(error: Error): never {
  throw error
}

/** What a folder of CRLs is read for: `.r0` is what `openssl rehash` links. */
function isCrlName(name: string): boolean {
  return !name.startsWith('.') && /\.(crl|pem|der|r\d+)$/i.test(name)
}
