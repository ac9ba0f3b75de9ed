/** Why the admin listener refuses. The codes stand in the problem that is answered and in the log. */
export interface AdminRefusal {
  readonly status: number
  readonly title: string
  /** For the operator: what it means. */
  readonly meaning: string
  /** For the operator: what mends it. */
  readonly remedy: string
  readonly headers?: Readonly<Record<string, string>>
}

export const adminRefusals = {
  'admin.malformed': {
    status: 400,
    title: 'Malformed request',
    meaning: 'The request has no path, not exactly one Host, or several Authorization fields.',
    remedy: 'Send a path, one Host and at most one Authorization.',
  },
  'admin.host': {
    status: 421,
    title: 'Misdirected request',
    meaning: 'The Host field names the admin listener by a name that it was not given.',
    remedy:
      "Ask by the listener's own address, localhost or a loopback address, or list the name under admin.names; any other may point here from anywhere.",
  },
  'admin.cross-site': {
    status: 403,
    title: 'Cross-site request',
    meaning: 'A page of another site made a browser ask.',
    remedy: 'Another site made a browser send this. Open the address itself.',
  },
  'admin.method': {
    status: 405,
    title: 'Method not allowed',
    meaning: 'The admin listener can be read only.',
    remedy: 'Use GET or HEAD.',
    headers: { Allow: 'GET, HEAD' },
  },
  'admin.body': {
    status: 413,
    title: 'No body expected',
    meaning: 'The request came with a body, and nothing here takes one.',
    remedy: 'Send the request without a body.',
  },
  'admin.token': {
    status: 401,
    title: 'Token required',
    meaning: 'The page needs the admin token, and the request came without it or with another.',
    remedy: "Send Authorization: Bearer with the token that the config's admin.token refers to.",
    headers: { 'WWW-Authenticate': 'Bearer realm="sallyport admin"' },
  },
  'admin.exposed': {
    status: 403,
    title: 'No token configured',
    meaning: 'The admin listener is reachable from other hosts, and no token is configured, so it tells nothing.',
    remedy: 'The listener is bound off loopback: set admin.token in the config.',
  },
  'admin.locked': {
    status: 429,
    title: 'Too many wrong tokens',
    meaning: 'This source sent ten wrong tokens within a minute.',
    remedy: 'Wait a minute; then send the right token.',
    headers: { 'Retry-After': '60' },
  },
  'admin.path': {
    status: 404,
    title: 'Not found',
    meaning: 'There is no such page.',
    remedy: 'Ask for /healthz, /readyz, /metrics or /secrets.',
  },
} as const satisfies Readonly<Record<string, AdminRefusal>>

export type AdminCode = keyof typeof adminRefusals
