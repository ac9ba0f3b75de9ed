import { readFileSync } from 'node:fs'
import type { Command } from '../processes.ts'
import type { TlsFiles } from '../tls-files.ts'

/** Where one instance of a peer runs. */
export interface Site {
  /** A temporary folder of its own: its config, its log, its scratch files. */
  readonly folder: string
  /** The port of 127.0.0.1 that it listens on. */
  readonly port: number
  /** The port of 127.0.0.1 that the upstream listens on. */
  readonly upstream: number
  /** Bytes of body that it takes; one more is refused. */
  readonly cap: number
  /** Given, it speaks TLS on its port, and nothing else. */
  readonly tls?: TlsFiles
}

/** A program that does the benchmark's work. */
export interface Peer {
  readonly name: string
  readonly title: string
  /** Whether it does every check; a plain proxy does none. */
  readonly checks: boolean
  /** What it is and what it does not do, for the reader of the table. */
  readonly note: string
  /** Cases of the proof that it has no means for; each is named in the note. */
  readonly lacks?: readonly string[]
  /** Names of works and settings that it has no part in, each with the reason. */
  readonly sitsOut?: Readonly<Record<string, string>>
  /** The installed version; `undefined` where something that it needs is missing. */
  version(): string | undefined
  /** Writes its config into the site's folder and says how to start it on one thread. */
  command(site: Site): Command
}

/** Addresses that every peer lets in. */
export const ALLOWED = ['127.0.0.0/8', '10.0.0.0/8'] as const
/** Addresses that the route `FOREIGN_PATH` lets in: documentation's, so nobody's. */
export const FOREIGN = ['192.0.2.0/24'] as const
/** What a peer's `limit` admits on `LIMITED_PATH`: one request a minute, so that a flood is refused. */
export const SLOW_PER_MINUTE = 1
/** Requests a second and source; far above what one core does, so that it is counted and never refused. */
export const RATE = 1_000_000

/** The `version` of a package.json; `undefined` where it can't be read. */
export function packageVersion(file: string): string | undefined {
  try {
    const manifest: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const version: unknown = typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : ''
    return typeof version === 'string' ? version : undefined
  } catch {
    return undefined
  }
}
