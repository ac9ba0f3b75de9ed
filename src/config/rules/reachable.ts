import { resolve } from 'node:path'
import { readNamedFile } from '../../core/read-file.ts'
import { readCertificate } from '../../tls/certificate.ts'
import { decodePem } from '../../tls/pem.ts'
import { type Path, warning } from '../fault.ts'
import type { DraftFile, Rule, RuleContext } from './context.ts'

type ListenerDraft = NonNullable<NonNullable<DraftFile['listeners']>[number]>
type RouteDraft = NonNullable<NonNullable<DraftFile['routes']>[number]>

/** A route that no request can reach looks as if it guarded something. */
export const everyRouteReachable: Rule = function* (file, context) {
  const names = new Map((file.listeners ?? []).map(listener => [listener, listener && namesOf(listener, context)]))
  const hosted = Map.groupBy(file.routes ?? [], route => bare(route?.match?.host ?? ''))
  for (const [index, route] of (file.routes ?? []).entries()) {
    if (!route?.match) continue
    const path: Path = ['routes', index, 'match']
    const own = (file.listeners ?? []).filter(
      each => each && (route.listener === undefined || each.name === route.listener),
    )
    const known = own.map(listener => names.get(listener))
    const all = known.flatMap(each => [...(each ?? [])])
    if (known.length === 0 || known.some(each => each === undefined)) continue
    const { host } = route.match
    if (host !== undefined) {
      if (!all.some(name => covers(name, host)))
        yield warning(
          [...path, 'host'],
          `host: no certificate of its listener names ${host}, only ${list(all)}, so no client that checks it gets there`,
          'add a certificate with this name to the listener, or mend the name',
        )
      continue
    }
    if (context.at([...path, 'host']) !== undefined || all.some(name => name.startsWith('*.'))) continue
    const taken = [...new Set(all)].map(name => taker(route, hosted.get(name) ?? []))
    if (taken.length > 0 && taken.every(other => other !== undefined))
      yield warning(
        path,
        `match: for each name of the listener's certificates (${list(all)}) another route takes its path: ${[...new Set(taken)].join(', ')}`,
        'give it a host, or a path that these do not take',
        'key',
      )
  }
}

/** A route of its own host hides those of any host, whatever their methods. @param routes of one host */
function taker(route: RouteDraft, routes: readonly (RouteDraft | undefined)[]): string | undefined {
  const wanted = route.match?.path ?? route.match?.['path-prefix']
  if (wanted === undefined) return undefined
  const exact = route.match?.path !== undefined
  const together = (other: RouteDraft): boolean =>
    other.listener === undefined || (route.listener !== undefined && other.listener === route.listener)
  const found = routes.find(other => {
    if (other?.match === undefined || other === route || !together(other)) return false
    const { path, 'path-prefix': prefix } = other.match
    return (exact && path === wanted) || (prefix !== undefined && wanted.startsWith(prefix))
  })
  return found?.name
}

/** As certificates name an address of IPv6: without the brackets of a URL. */
const bare = (host: string): string => host.replace(/^\[|\]$/g, '')

const list = (names: readonly string[]): string => [...new Set(names)].slice(0, 4).join(', ')

/** As TLS compares them: a wildcard stands for one label (RFC 9525 section 6.3). */
function covers(name: string, host: string): boolean {
  const lower = name.toLowerCase()
  if (lower === bare(host)) return true
  return lower.startsWith('*.') && host.slice(host.indexOf('.') + 1) === lower.slice(2) && !host.startsWith('.')
}

/**
 * The names that clients can reach a listener by; `undefined` where that is not to be told: without TLS, behind proxies
 * that need not check them, where a CA issues more (ACME), or where a certificate can't be read.
 */
function namesOf(listener: ListenerDraft, { folder }: RuleContext): readonly string[] | undefined {
  const certificates = listener.tls?.certificates
  const more = listener.tls?.acme !== undefined || (listener['trusted-proxies'] ?? []).length > 0
  if (certificates === undefined || more) return undefined
  const all: string[] = []
  for (const each of certificates) {
    const path = each && 'cert' in each ? each.cert : undefined
    if (path === undefined) return undefined
    try {
      const der = decodePem(readNamedFile(resolve(folder, path)).toString('latin1')).find(({ label }) =>
        label.endsWith('CERTIFICATE'),
      )?.der
      if (der === undefined) return undefined
      const { dns, ips } = readCertificate(der).names
      if (dns.length + ips.length === 0) return undefined
      all.push(...dns, ...ips)
    } catch {
      return undefined
    }
  }
  return all
}
