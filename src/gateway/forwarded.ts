/** One hop of a `Forwarded` field (RFC 7239 section 4): what it says of the sender. */
export interface ForwardedHop {
  /** The node's address as written, without brackets and port; `undefined` where there is no `for`. */
  readonly from: string | undefined
  readonly proto: string | undefined
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const PAIR = new RegExp(`\\s*(${TOKEN})=(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")\\s*`, 'y')
/** Section 6: an address, or IPv6 in brackets, and a port, which may be a word of the proxy's own. */
const NODE = /^(?:\[([0-9A-Fa-f:.]+)\]|([0-9.]+))(?::(?:\d{1,5}|_[A-Za-z0-9._-]+))?$/

/**
 * Reads the hops, the sender's first. `undefined` where the text is no such field or a `for` is no address: "unknown" and
 * the names that proxies make up (section 6.3) hide whom it was.
 */
export function readForwarded(text: string): ForwardedHop[] | undefined {
  const hops: ForwardedHop[] = []
  let pairs = new Map<string, string>()
  for (let at = 0; ; ) {
    PAIR.lastIndex = at
    const match = PAIR.exec(text)
    const name = match?.[1]?.toLowerCase()
    if (match === null || name === undefined || pairs.has(name)) return undefined
    pairs.set(name, match[2] ?? (match[3] ?? '').replace(/\\(.)/g, '$1'))
    at = PAIR.lastIndex
    if (at < text.length && text[at] === ';') {
      at++
      continue
    }
    const hop = hopOf(pairs)
    if (hop === undefined) return undefined
    hops.push(hop)
    if (at === text.length) return hops
    if (text[at] !== ',') return undefined
    at++
    pairs = new Map()
  }
}

function hopOf(pairs: ReadonlyMap<string, string>): ForwardedHop | undefined {
  const node = pairs.get('for')
  const match = node === undefined ? undefined : NODE.exec(node)
  if (match === null) return undefined
  return { from: match?.[1] ?? match?.[2], proto: pairs.get('proto')?.toLowerCase() }
}
