import { parse, stringify } from 'node:querystring'

/**
 * The URLs that Twilio may have signed: in the order of Twilio's own library: as it came, and with the default port
 * where it has none or without the one that it has; then the same with the query escaped anew. Most requests need the
 * first alone. Only the query is escaped anew: a whole URL would lose its dot segments, and a signature for one path
 * would pass on another.
 */
export function* signedUrls(url: string): Generator<string> {
  yield* withPorts(url)
  const query = url.indexOf('?') + 1
  if (query === 0) return
  const given = url.slice(query)
  const normal = normalised(given)
  if (normal !== given) yield* withPorts(url.slice(0, query) + normal)
  const quoted = requoted(given)
  if (quoted !== given && quoted !== normal) yield* withPorts(url.slice(0, query) + quoted)
}

function* withPorts(url: string): Generator<string> {
  yield url
  const [, scheme, authority = '', rest] = /^(https?):\/\/([^/?#]*)(.*)$/s.exec(url) ?? []
  if (scheme === undefined) return
  const bare = authority.replace(/:\d+$/, '')
  yield `${scheme}://${bare === authority ? `${bare}:${scheme === 'https' ? 443 : 80}` : bare}${rest}`
}

/** As the WHATWG URL standard writes a query: an apostrophe as %27. */
function normalised(query: string): string {
  const base = 'https://a/?'
  return URL.parse(base + query)?.href.slice(base.length) ?? query
}

/** Decoded and escaped again. Every parameter counts: behind a limit, unsigned ones would pass. */
function requoted(query: string): string {
  return stringify(parse(query, '&', '=', { maxKeys: 0 }))
}
