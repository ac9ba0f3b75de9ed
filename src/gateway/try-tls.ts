import type { ListenerConfig } from '../config/model.ts'
import type { Clock } from '../core/clock.ts'
import { type Expiry, Offline } from '../core/resources.ts'
import type { Log } from '../observe/log.ts'
import type { ServerTlsConfig } from '../tls/config.ts'
import { TlsProblem } from '../tls/problem.ts'
import { loadTrustFiles } from '../tls/trust-files.ts'
import { Acme } from './acme.ts'
import { loadTls } from './load-tls.ts'
import type { Loading } from './loading.ts'

/** What the files of one setting are like. */
export interface TriedFiles {
  /** Of the setting, from the listener on: `['tls', 'certificates', 0]`. */
  readonly path: readonly (string | number)[]
  /** Why the gate would refuse the config; `undefined` where it would not. */
  readonly failure: Offline | TlsProblem | undefined
  /** What works and should be mended. */
  readonly warnings: readonly { readonly message: string; readonly mend: string }[]
  readonly expiries: readonly Expiry[]
}

interface Tools {
  /** Of the config. */
  readonly file: string
  readonly clock: Clock
  readonly log: Log
}

const SERVED = 'the gate serves it all the same; "sallyport certs show FILE" tells more'
const READ_AGAIN = 'mend the file; the gate reads it again when it changes'

type Loaded = Pick<TriedFiles, 'warnings' | 'expiries'>
type Part = readonly [path: TriedFiles['path'], load: () => Loaded]

/**
 * Loads what a listener would terminate TLS with, each setting by itself so that all that fail are told; then all of it
 * together. Nothing is obtained from a CA or put in force.
 */
export function tryTls({ name, tls, proxyClientCert }: ListenerConfig, loading: Loading, tools: Tools): TriedFiles[] {
  const acme = new Acme(tools.clock, tools.log, () => undefined, true)
  const load = (config: ServerTlsConfig): Loaded => {
    const { warnings, expiries } = loadTls(name, config, loading, { ...tools, acme })
    return { warnings: warnings.map(message => ({ message, mend: SERVED })), expiries }
  }
  const trust = (files: Parameters<typeof loadTrustFiles>[0]): Loaded => {
    const { problems, expiries } = loadTrustFiles(
      files,
      path => loading.read(path),
      path => loading.list(path),
      tools.clock.now(),
    )
    return { warnings: problems.map(message => ({ message, mend: READ_AGAIN })), expiries }
  }
  const parts = [...(tls ? tlsParts(tls, load, trust) : [])]
  if (proxyClientCert) parts.push([['proxy-client-cert', 'client-ca'], () => trust(proxyClientCert)])
  try {
    const tried = parts.map(tryPart)
    const hasCertificate = tls !== undefined && (tls.certificates.length > 0 || tls.acme !== undefined)
    if (!hasCertificate || tried.some(({ failure }) => failure)) return tried
    const whole = tryPart([['tls'], () => load(tls)])
    return whole.failure ? [...tried, whole] : tried
  } finally {
    acme.close()
  }
}

function* tlsParts(
  tls: ServerTlsConfig,
  load: (config: ServerTlsConfig) => Loaded,
  trust: (files: Parameters<typeof loadTrustFiles>[0]) => Loaded,
): Generator<Part> {
  const { profile, certificates, acme, 'client-ca': ca, 'client-crl': crl } = tls
  for (const [index, certificate] of certificates.entries())
    yield [['tls', 'certificates', index], () => load({ profile, certificates: [certificate] })]
  if (acme) yield [['tls', 'acme'], () => load({ profile, certificates: [], acme })]
  if (ca !== undefined) yield [['tls', 'client-ca'], () => trust({ 'client-ca': ca, 'client-crl': crl })]
}

const NOTHING: Loaded = { warnings: [], expiries: [] }

function tryPart([path, load]: Part): TriedFiles {
  try {
    const { warnings, expiries } = load()
    return { path, failure: undefined, warnings, expiries }
  } catch (error) {
    if (error instanceof Offline || error instanceof TlsProblem) return { path, failure: error, ...NOTHING }
    throw error
  }
}
