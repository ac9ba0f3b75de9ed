import { isIP } from 'node:net'
import { error, type Path } from '../fault.ts'
import { urlFault } from '../url.ts'
import { hostFault } from '../values.ts'
import type { DraftFile, Rule } from './context.ts'

type ListenerDraft = NonNullable<NonNullable<DraftFile['listeners']>[number]>
type AcmeDraft = NonNullable<NonNullable<ListenerDraft['tls']>['acme']>

/** Without either, no handshake could succeed. */
export const someCertificate: Rule = function* (file, context) {
  for (const index of (file.listeners ?? []).keys()) {
    const path: Path = ['listeners', index, 'tls']
    const written = context.at(path)
    if (typeof written !== 'object' || written === null || Array.isArray(written)) continue
    if ('certificates' in written || 'acme' in written) continue
    yield error(
      path,
      'tls: neither certificates nor acme is there, so there is nothing to show to clients',
      'add certificates: [{ cert: FILE, key: FILE }], or acme: { names: [NAME], store: FOLDER, accept-terms: true }',
      'key',
    )
  }
}

export const acmeNames: Rule = function* (file) {
  const seen = new Map<string, string>()
  for (const { acme, path } of acmeOf(file)) {
    for (const [index, name] of (acme.names ?? []).entries()) {
      if (name === undefined) continue
      const at = [...path, 'names', index]
      const fault = nameFault(name)
      if (fault) yield error(at, `names: ${JSON.stringify(name)} ${fault.message}`, fault.mend)
      const settings = JSON.stringify({ ...acme, names: undefined })
      const other = seen.get(name)
      if (other !== undefined && other !== settings)
        yield error(
          at,
          `names: ${name} is obtained by another listener with other settings`,
          'write the same acme settings on both listeners',
        )
      seen.set(name, settings)
    }
  }
}

export const acmeDirectory: Rule = function* (file, context) {
  for (const { acme, path } of acmeOf(file)) {
    const { directory } = acme
    const at = [...path, 'directory']
    if (directory === undefined || context.at(at) === undefined) continue
    const fault = urlFault(directory)
    if (fault)
      yield { ...error(at, `directory: ${JSON.stringify(directory)} ${fault.message}`, fault.mend), part: fault.part }
    else if (!directory.startsWith('https:'))
      yield error(at, 'directory: a CA is asked over HTTPS alone (RFC 8555 section 6.1)', 'write https://')
  }
}

/** A CA that validates by HTTP-01 has to find somebody who answers. */
export const challengesAnswered: Rule = function* (file, context) {
  const answering = (file.listeners ?? []).some(listener => listener?.['acme-challenges'] !== undefined)
  for (const { acme, path } of acmeOf(file))
    if (acme.challenge === 'http-01' && !answering)
      yield error(
        [...path, 'challenge'],
        'challenge: no listener answers http-01, so no name could be validated',
        'add a listener { name: acme, bind: "0.0.0.0:80", acme-challenges: only }, or leave challenge out for tls-alpn-01',
      )
  for (const [index, listener] of (file.listeners ?? []).entries()) {
    const path: Path = ['listeners', index, 'acme-challenges']
    if (listener?.['acme-challenges'] === undefined || context.at(['listeners', index, 'tls']) === undefined) continue
    yield error(
      path,
      'acme-challenges: a CA asks by plain HTTP, and this listener speaks TLS',
      'put it on a listener without tls',
      'key',
    )
  }
}

/** What is bound to such a listener would never be reached. */
export const noRouteAmongChallenges: Rule = function* (file) {
  const only = (file.listeners ?? []).filter(listener => listener?.['acme-challenges'] === 'only')
  const names = only.flatMap(listener => listener?.name ?? [])
  for (const [index, route] of (file.routes ?? []).entries()) {
    if (route?.listener === undefined || !names.includes(route.listener)) continue
    yield error(
      ['routes', index, 'listener'],
      `listener: "${route.listener}" serves nothing but ACME challenges`,
      `name another listener, or write "acme-challenges: with-routes" there`,
    )
  }
}

function* acmeOf(file: DraftFile): Generator<{ acme: AcmeDraft; path: Path }> {
  for (const [index, listener] of (file.listeners ?? []).entries()) {
    const acme = listener?.tls?.acme
    if (acme) yield { acme, path: ['listeners', index, 'tls', 'acme'] }
  }
}

function nameFault(name: string): { readonly message: string; readonly mend: string } | undefined {
  if (name.startsWith('*.'))
    return {
      message: 'is a wildcard, which a CA issues by DNS-01 alone',
      mend: 'name each host, or put the certificate that another tool obtains under certificates',
    }
  if (isIP(name.replace(/^\[|\]$/g, '')) !== 0) return { message: 'is an address', mend: 'write a DNS name' }
  const fault = hostFault(name)
  if (fault) return fault
  return name.includes('_') || !name.includes('.')
    ? { message: 'is no name of the public DNS', mend: 'write a name such as hooks.example.com' }
    : undefined
}
