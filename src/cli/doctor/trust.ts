import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createSecureContext, type SecureContext } from 'node:tls'
import { readCertificate } from '../../tls/certificate.ts'
import { systemCas } from '../../tls/client.ts'
import { decodePem } from '../../tls/pem.ts'
import type { ChainTrust, NearbyCertificate } from '../../tls/server-chain.ts'

/** Whom whoever asks a server trusts: for the judgement of its chain, and for connections. */
export interface Trust extends ChainTrust {
  readonly context: SecureContext
}

/** What the doctor shows of its own where a client certificate is asked for, PEM. */
export interface Shown {
  readonly cert: Buffer
  readonly key: Buffer
}

const LARGEST = 256 * 1024
const MOST_FILES = 100

/**
 * @param ca a PEM bundle in place of the CAs that the public trusts
 * @param folders where the certificates of the config are: an intermediate that is not served may lie beside them
 */
export function trustOf(
  ca: { readonly path: string; readonly pem: Buffer } | undefined,
  folders: readonly string[],
  shown: Shown | undefined,
): Trust {
  const pems = ca === undefined ? systemCas() : [ca.pem.toString('latin1')]
  const anchors = pems.flatMap(certificatesIn)
  return {
    anchors,
    whose: ca === undefined ? 'the CAs that the public trusts' : `the CAs of ${ca.path}`,
    own: ca !== undefined,
    nearby: [...new Set(folders)].flatMap(nearbyIn),
    context: createSecureContext({ ca: ca === undefined ? pems : ca.pem, ...shown }),
  }
}

export function certificatesIn(pem: string) {
  return decodePem(pem)
    .filter(({ label }) => label.endsWith('CERTIFICATE'))
    .flatMap(({ der }) => {
      try {
        return [readCertificate(der)]
      } catch {
        // Of version 1, or broken: no chain leads over it.
        return []
      }
    })
}

function nearbyIn(folder: string): NearbyCertificate[] {
  try {
    return readdirSync(folder)
      .filter(name => /\.(?:pem|crt|cer)$/i.test(name))
      .slice(0, MOST_FILES)
      .map(name => join(folder, name))
      .filter(path => statSync(path).size <= LARGEST)
      .flatMap(path => certificatesIn(readFileSync(path, 'latin1')).map(certificate => ({ path, certificate })))
  } catch {
    return []
  }
}

/** The folders of files that a config names. */
export function foldersOf(paths: readonly string[], base: string): string[] {
  return paths.map(path => dirname(resolve(base, path)))
}
