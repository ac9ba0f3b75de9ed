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
    meaning: 'What is at this path can be read only.',
    remedy: 'Use GET or HEAD.',
    headers: { Allow: 'GET, HEAD' },
  },
  'admin.post': {
    status: 405,
    title: 'Method not allowed',
    meaning: 'The path does something, and is asked by POST alone.',
    remedy: 'Use POST, with Content-Type: application/json and the admin token.',
    headers: { Allow: 'POST' },
  },
  'admin.type': {
    status: 415,
    title: 'JSON required',
    meaning: 'The path does something, and takes no other type than JSON, which no page of another site can send.',
    remedy: 'Send Content-Type: application/json, and {} or no body.',
  },
  'admin.form': {
    status: 405,
    title: 'Form required',
    meaning: "The path takes the page's own form alone.",
    remedy: 'Open / in a browser; programs send Authorization: Bearer with the admin token.',
    headers: { Allow: 'POST' },
  },
  'admin.calendar': {
    status: 401,
    title: 'Calendar key required',
    meaning: 'The calendar was asked for without its key, or with one that was derived from another token.',
    remedy: 'Copy its URL from the console anew: it changes with the admin token.',
  },
  'admin.watchers': {
    status: 503,
    title: 'Too many watchers',
    meaning: 'Sixteen watch the decisions already.',
    remedy: 'Close a page of the console.',
    headers: { 'Retry-After': '10' },
  },
  'admin.needs-token': {
    status: 403,
    title: 'No token configured',
    meaning: 'The path does something, and no token is configured that would tell who asks.',
    remedy: 'Set admin.token in the config, and send it.',
  },
  'admin.query': {
    status: 400,
    title: 'Malformed query',
    meaning: 'The query holds a parameter that is not known here, or a value that it can not have.',
    remedy: 'See the documentation of the path for what it takes.',
  },
  'admin.not-kept': {
    status: 404,
    title: 'No such capture',
    meaning: 'No request of that id is kept: it was accepted, has been pushed out by others, or is too old.',
    remedy: 'Raise keep or age of captures, and send the request again.',
  },
  'admin.cut': {
    status: 409,
    title: 'Body not kept whole',
    meaning: 'The request can not be sent again: its body was not read to its end, or is larger than max-body.',
    remedy: 'Let the sender send it again, or raise max-body of captures for the next one.',
  },
  'admin.restored': {
    status: 409,
    title: 'Kept masked',
    meaning: 'The request can not be sent again: it is from before the last start, and on disk it is masked.',
    remedy: 'Let the sender send it again.',
  },
  'admin.no-request': {
    status: 409,
    title: 'Not a request',
    meaning: 'What was captured never became a request that could be routed, or its listener is no more.',
    remedy: 'See its explanation for the rule that it breaks.',
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
    remedy: 'Open / in a browser, or ask for /healthz, /readyz, /metrics, /secrets or a path of the API.',
  },
} as const satisfies Readonly<Record<string, AdminRefusal>>

export type AdminCode = keyof typeof adminRefusals
