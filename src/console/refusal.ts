/** Why the admin listener refuses. The codes stand in the problem that is answered and in the log. */
export interface AdminRefusal {
  readonly status: number
  readonly title: string
  readonly remedy: string
  readonly headers?: Readonly<Record<string, string>>
}

export const adminRefusals = {
  'admin.malformed': {
    status: 400,
    title: 'Malformed request',
    remedy: 'Send a path, one Host and at most one Authorization.',
  },
  'admin.host': {
    status: 421,
    title: 'Misdirected request',
    remedy: "Ask by the listener's own address, localhost or a loopback address; a name may point here from anywhere.",
  },
  'admin.cross-site': {
    status: 403,
    title: 'Cross-site request',
    remedy: 'Another site made a browser send this. Open the address itself.',
  },
  'admin.method': {
    status: 405,
    title: 'Method not allowed',
    remedy: 'Use GET or HEAD.',
    headers: { Allow: 'GET, HEAD' },
  },
  'admin.body': {
    status: 413,
    title: 'No body expected',
    remedy: 'Send the request without a body.',
  },
  'admin.token': {
    status: 401,
    title: 'Token required',
    remedy: "Send Authorization: Bearer with the token that the config's admin.token refers to.",
    headers: { 'WWW-Authenticate': 'Bearer realm="sallyport admin"' },
  },
  'admin.exposed': {
    status: 403,
    title: 'No token configured',
    remedy: 'The listener is bound off loopback: set admin.token in the config.',
  },
  'admin.locked': {
    status: 429,
    title: 'Too many wrong tokens',
    remedy: 'Wait a minute; then send the right token.',
    headers: { 'Retry-After': '60' },
  },
  'admin.path': {
    status: 404,
    title: 'Not found',
    remedy: 'Paths: /healthz, /readyz, /metrics.',
  },
} as const satisfies Readonly<Record<string, AdminRefusal>>

export type AdminCode = keyof typeof adminRefusals
