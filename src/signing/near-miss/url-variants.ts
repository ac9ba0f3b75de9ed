import type { BodyRequest } from '../../core/request.ts'
import { type Difference, distinct, type Variant } from './difference.ts'
import { mendOrigin, mendPath, mendQuery, type PathChange, type SignedUrl } from './url-mends.ts'

const MOST = 240
type Place = 'origin' | 'query' | PathChange

interface Part {
  readonly text: string
  readonly differs: { readonly phrase: string; readonly place: Place } | undefined
  /** Nothing in the request speaks for it: it is tried with at most one other difference. */
  readonly guessed: boolean
}

const part = (text: string, place: Place, phrase: string, guessed = false): Part => ({
  text,
  differs: { phrase, place },
  guessed,
})

/** The URLs that the sender may have been given instead; first, with no difference, the public URL. Fewest differences first. */
export function* urlVariants(request: BodyRequest): Generator<Variant<string>> {
  const [, scheme = 'https', authority = '', path = '', query = ''] =
    /^(https?):\/\/([^/?#]*)([^?]*)(\?.*)?$/s.exec(request.publicUrl) ?? []
  const same = (text: string): Part => ({ text, differs: undefined, guessed: false })
  const other = scheme === 'https' ? 'http' : 'https'
  const schemes = [same(scheme), part(other, 'origin', `with ${other} as the scheme`)]
  const hosts = [same(authority), ...hostsOf(request, authority)]
  const paths = [same(path), ...pathsOf(request, path)]
  const queries = [same(query), ...(query === '' ? [] : [part('', 'query', 'without its query')])]
  const all: { readonly variant: Variant<string>; readonly count: number }[] = []
  for (const s of schemes)
    for (const h of hosts)
      for (const p of paths)
        for (const q of queries) {
          const differs = [s, h, p, q].flatMap(each => each.differs ?? [])
          if (differs.length > ([h, p].some(({ guessed }) => guessed) ? 2 : 3)) continue
          const signed = { origin: `${s.text}://${h.text}`, path: p.text, received: { path, query: q.text } }
          const value = `${signed.origin}${p.text}${q.text}`
          all.push({ variant: { value, differs: merged(differs, signed) }, count: differs.length })
        }
  all.sort((a, b) => a.count - b.count)
  yield* distinct(
    all.slice(0, MOST).map(({ variant }) => variant),
    url => url,
  )
}

/** One difference for all, as it is one URL: the mend has a clause for each place that differs. */
function merged(differs: readonly NonNullable<Part['differs']>[], signed: SignedUrl): readonly Difference[] {
  if (differs.length === 0) return []
  const places = [...new Set(differs.map(({ place }) => place))]
  const isPath = places.some(place => place !== 'origin' && place !== 'query')
  return [
    {
      cause: 'url',
      phrase: `over the URL ${differs.map(({ phrase }) => phrase).join(' and ')}`,
      mend: places.map(place => mendOf(place, signed)).join('. Then '),
      evidence: { 'signed-origin': signed.origin, ...(isPath ? { 'signed-path': signed.path } : {}) },
    },
  ]
}

function mendOf(place: Place, signed: SignedUrl): string {
  if (place === 'origin') return mendOrigin(signed)
  return place === 'query' ? mendQuery() : mendPath(place, signed)
}

const FORWARDED_HOSTS = ['x-forwarded-host', 'x-original-host'] as const
/** Ports of tunnels and of development. */
const GUESSED: ReadonlySet<string> = new Set([':8443', ':8080'])
/** What proxies route by, and take off. */
const USUAL_PREFIXES = ['/api', '/webhook', '/webhooks', '/hook', '/hooks', '/crm', '/gate', '/v1', '/api/v1'] as const
const FORWARDED_PATHS = ['x-forwarded-uri', 'x-original-uri', 'x-original-url', 'x-rewrite-url'] as const

function hostsOf(request: BodyRequest, authority: string): Part[] {
  const bare = authority.replace(/:\d+$/, '')
  const names = [
    bare,
    request.authority.replace(/:\d+$/, ''),
    ...FORWARDED_HOSTS.flatMap(name => request.headers.all(name)),
  ]
  const hosts = [...new Set(names.map(name => name.split(',')[0]?.trim().toLowerCase() ?? ''))].filter(host =>
    HOST.test(host),
  )
  const parts: Part[] = []
  const port = /:\d+$/.exec(request.authority)?.[0]
  const forwarded = request.headers.all('x-forwarded-port').flatMap(text => (/^\d+$/.test(text) ? [`:${text}`] : []))
  for (const host of hosts) {
    const ports = new Set(['', ':443', ':80', ...(port === undefined ? [] : [port]), ...forwarded, ...GUESSED])
    for (const each of ports)
      if (`${host}${each}` !== authority)
        parts.push(
          part(
            `${host}${each}`,
            'origin',
            host === bare
              ? each === ''
                ? 'without its port'
                : `with port ${each.slice(1)}`
              : `with the host ${host}${each}`,
            GUESSED.has(each),
          ),
        )
    if (!host.startsWith('www.')) parts.push(part(`www.${host}`, 'origin', `with the host www.${host}`))
    else parts.push(part(host.slice(4), 'origin', `with the host ${host.slice(4)}`))
  }
  return parts
}

const HOST = /^[a-z0-9._-]+(:\d+)?$|^\[[0-9a-f:.]+\](:\d+)?$/

function pathsOf(request: BodyRequest, path: string): Part[] {
  const parts: Part[] = []
  if (path.endsWith('/')) parts.push(part(path.slice(0, -1), 'slash', 'without the slash at the end of its path'))
  else parts.push(part(`${path}/`, 'slash', 'with a slash at the end of its path'))
  for (const name of FORWARDED_PATHS)
    for (const value of request.headers.all(name)) {
      const forwarded = value.replace(/^https?:\/\/[^/]*/, '').replace(/\?.*$/s, '')
      if (forwarded.startsWith('/') && forwarded !== path)
        parts.push(part(forwarded, 'rewritten', `with the path of ${name}, which a proxy rewrote`))
    }
  const [prefix] = request.headers.all('x-forwarded-prefix')
  if (prefix?.startsWith('/'))
    parts.push(
      part(`${prefix.replace(/\/$/, '')}${path}`, 'rewritten', 'with the path before X-Forwarded-Prefix was taken off'),
    )
  for (const usual of USUAL_PREFIXES)
    parts.push(part(`${usual}${path}`, 'rewritten', `with ${usual} before its path, which a proxy takes off`, true))
  const shorter = /^\/[^/]+(\/.+)$/.exec(path)?.[1]
  if (shorter !== undefined)
    parts.push(
      part(shorter, 'shortened', `without the first part of its path, ${path.slice(0, -shorter.length)}`, true),
    )
  const decoded = decode(path)
  if (decoded !== undefined && decoded !== path)
    parts.push(part(decoded, 'respelled', 'with the percent escapes of its path decoded'))
  if (path !== path.toLowerCase()) parts.push(part(path.toLowerCase(), 'respelled', 'with its path in lower case'))
  return parts
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
