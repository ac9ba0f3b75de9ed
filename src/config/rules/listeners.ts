import { networkText, parseNetwork } from '../../core/address.ts'
import { error, type Fault, type Path, warning } from '../fault.ts'
import type { Bind } from '../model.ts'
import { writeQuantity } from '../quantities.ts'
import { formatBind, isLocal } from '../values.ts'
import type { Rule } from './context.ts'

/** Plain HTTP is for this host alone, unless the operator says otherwise. */
export const noPlainHttpAbroad: Rule = function* (file, context) {
  for (const [index, listener] of (file.listeners ?? []).entries()) {
    if (!listener?.bind || listener.expose !== false || isLocal(listener.bind)) continue
    if (context.at(['listeners', index, 'tls']) !== undefined) continue
    // It answers CAs, who ask by nothing else, and takes nothing of anybody.
    if (listener['acme-challenges'] === 'only') continue
    yield error(
      ['listeners', index, 'bind'],
      `bind: plain HTTP on ${formatBind(listener.bind)}, which other hosts reach`,
      'add tls, bind it to 127.0.0.1 or a unix socket, or write "expose: true" where something in front terminates TLS',
    )
  }
}

export const noOpenAdmin: Rule = function* (file, context) {
  const { admin } = file
  if (!admin?.bind || isLocal(admin.bind) || context.at(['admin', 'token']) !== undefined) return
  yield error(
    ['admin', 'bind'],
    `bind: the admin listener on ${formatBind(admin.bind)} can be read by other hosts without a token`,
    'add token: { env: NAME }, or bind it to 127.0.0.1',
  )
}

export const oneAddressEach: Rule = function* (file) {
  const seen: { bind: Bind; name: string }[] = []
  const all: { bind: Bind | undefined; name: string; path: Path }[] = (file.listeners ?? []).map((listener, index) => ({
    bind: listener?.bind,
    name: `the listener "${listener?.name ?? index + 1}"`,
    path: ['listeners', index, 'bind'],
  }))
  all.push({ bind: file.admin?.bind, name: 'admin', path: ['admin', 'bind'] })
  for (const { bind, name, path } of all) {
    if (!bind) continue
    const other = seen.find(earlier => overlap(earlier.bind, bind))
    if (other)
      yield error(
        path,
        `bind: ${formatBind(bind)} is taken already by ${other.name} (${formatBind(other.bind)})`,
        'choose another port, or make the two one listener',
      )
    seen.push({ bind, name })
  }
}

const EVERY: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

function overlap(a: Bind, b: Bind): boolean {
  if ('unix' in a || 'unix' in b) return 'unix' in a && 'unix' in b && a.unix === b.unix
  if (a.port !== b.port || a.port === 0) return false
  if (a.host === b.host || a.host === '::' || b.host === '::') return true
  return (EVERY.has(a.host) && !b.host.includes(':')) || (EVERY.has(b.host) && !a.host.includes(':'))
}

export const limitsThatFit: Rule = function* (file) {
  for (const [index, listener] of (file.listeners ?? []).entries()) {
    const { head, request } = listener?.limits ?? {}
    if (head === undefined || request === undefined || head <= request) continue
    const most = writeQuantity('duration', request)
    yield error(
      ['listeners', index, 'limits', 'head'],
      `head: ${writeQuantity('duration', head)} is more than the whole request may take, ${most}`,
      `write a "head" of at most ${most}, or a longer "request"`,
    )
  }
}

/** A secured connection of a Unix socket can't be told from another: both ends are nameless. */
export const noProxyHeaderOnSecureSockets: Rule = function* (file, context) {
  for (const [index, listener] of (file.listeners ?? []).entries()) {
    const path: Path = ['listeners', index, 'proxy-protocol']
    if (!listener?.bind || !('unix' in listener.bind) || context.at(path) === undefined) continue
    if (context.at(['listeners', index, 'tls']) === undefined) continue
    yield error(
      path,
      'proxy-protocol: on a Unix socket with TLS the header can not be read',
      'bind it to an address such as 127.0.0.1:8443, or let TLS end at the proxy',
      'key',
    )
  }
}

/** A header is believed of trusted proxies alone: without any it would never be read. */
export const someoneCarriesCertificates: Rule = function* (file, context) {
  for (const [index, listener] of (file.listeners ?? []).entries()) {
    const path: Path = ['listeners', index, 'proxy-client-cert']
    if (context.at(path) === undefined || (listener?.['trusted-proxies'] ?? []).length > 0) continue
    yield error(
      path,
      'proxy-client-cert: the listener has no trusted-proxies, so the header would be read of nobody',
      'add trusted-proxies with the addresses of the proxy that writes it',
      'key',
    )
  }
}

/** `10.1.2.3/8` is taken as `10.0.0.0/8`: said, as one of the two was meant. */
export const networksWithoutHostBits: Rule = function* (file, context) {
  for (const [index, listener] of (file.listeners ?? []).entries())
    for (const [at, text] of (listener?.['trusted-proxies'] ?? []).entries())
      if (text !== undefined) yield* hostBits(text, ['listeners', index, 'trusted-proxies', at])
  for (const index of (file.listeners ?? []).keys())
    yield* everyNetwork(context.at(['listeners', index, 'proxy-protocol']), ['listeners', index, 'proxy-protocol'])
  for (const [index, route] of (file.routes ?? []).entries())
    for (const at of (route?.checks ?? []).keys())
      yield* everyNetwork(context.at(['routes', index, 'checks', at, 'source-ip']), [
        'routes',
        index,
        'checks',
        at,
        'source-ip',
      ])
}

function* everyNetwork(value: unknown, path: Path): Generator<Fault> {
  if (typeof value === 'string') yield* hostBits(value, path)
  else if (Array.isArray(value))
    for (const [index, entry] of value.entries()) yield* everyNetwork(entry, [...path, index])
  else if (typeof value === 'object' && value !== null)
    for (const [key, entry] of Object.entries(value)) yield* everyNetwork(entry, [...path, key])
}

function* hostBits(text: string, path: Path): Generator<Fault> {
  const network = text.includes('/') ? parseNetwork(text) : undefined
  if (!network) return
  const means = networkText(network)
  const width = network.family === 4 ? 32 : 128
  const bits = network.bytes.reduce((count, byte, at) => count + onesAfter(byte, network.prefix - at * 8), 0)
  if (bits > 0)
    yield warning(
      path,
      `${JSON.stringify(text)} names a host inside its network: it counts as ${means}`,
      `write "${means}", or "${text.slice(0, text.indexOf('/'))}/${width}" for the one host`,
    )
}

/** How many of a byte's bits are set behind its first `kept`. */
function onesAfter(byte: number, kept: number): number {
  let count = 0
  for (let rest = byte & (0xff >> Math.min(8, Math.max(0, kept))); rest > 0; rest >>= 1) count += rest & 1
  return count
}
