import type { CapturedRequest } from '../core/captured.ts'
import type { Evidence, EvidenceValue } from '../core/decision.ts'
import type { Finding } from '../core/finding.ts'
import { looksOf } from './body-looks.ts'
import { causeOfFailure } from './explain-upstream.ts'

type Seen = Pick<CapturedRequest, 'target' | 'rawHeaders' | 'body'>

/** What the evidence of a refusal says that no check made: causes for programs, and what mends them. */
export function explainPipeline(code: string, evidence: Evidence = {}, seen?: Seen): readonly Finding[] {
  return READERS[code]?.(evidence, seen) ?? []
}

const has = (seen: Seen | undefined, name: RegExp): boolean =>
  seen?.rawHeaders.some((text, at) => at % 2 === 0 && name.test(text)) ?? false

const text = (value: EvidenceValue | undefined): string => (typeof value === 'string' ? value : String(value ?? ''))

function found(cause: string, because: string, mend: string, certainty: Finding['certainty'] = 'proven'): Finding[] {
  return because === '' ? [] : [{ level: 'fail', cause, certainty, because, mend }]
}

/** What came in place of HTTP/1.1, and what mends it. */
const SPOKEN: Readonly<Record<string, readonly [because: string, mend: string]>> = {
  tls: ['TLS came to a plain listener', 'Give the sender the http:// URL, or this listener a certificate (tls).'],
  'proxy-header': [
    'a PROXY header came to a listener that does not expect one',
    'Set proxy-protocol: { from: [...] } on this listener, or switch it off in the load balancer.',
  ],
  http2: [
    'HTTP/2 came without having been agreed on, and HTTP/1.1 alone is spoken here',
    'Set the proxy in front, or the client, to HTTP/1.1.',
  ],
}

/** What llhttp's codes mean. */
const PARSER: Readonly<Record<string, string>> = {
  HPE_INVALID_METHOD: 'what came begins with no method of HTTP',
  HPE_INVALID_URL: 'the target of the request holds a blank or another character that has to be escaped',
  HPE_INVALID_VERSION: 'the request line names another version than HTTP/1.0 or 1.1',
  HPE_INVALID_CONSTANT: 'the request line does not end in HTTP/1.1',
  HPE_INVALID_HEADER_TOKEN: 'a header field has a character that none may have',
  HPE_INVALID_CONTENT_LENGTH: 'Content-Length is no number',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'Content-Length comes twice, or beside Transfer-Encoding',
  HPE_INVALID_TRANSFER_ENCODING: 'Transfer-Encoding comes beside Content-Length, or does not end in chunked',
  HPE_INVALID_CHUNK_SIZE: 'a chunk of the body does not begin with its size',
  HPE_STRICT: 'a line ends in another way than carriage return and line feed',
  HPE_CR_EXPECTED: 'a line ends in another way than carriage return and line feed',
  HPE_LF_EXPECTED: 'a line ends in another way than carriage return and line feed',
}

const asSentence = (mend: string): string => `${mend[0]?.toUpperCase() ?? ''}${mend.slice(1)}.`

/** What kept the gate from an answer. @param who as programs are told, in kebab case */
function unanswered(who: 'upstream' | 'token-endpoint'): (evidence: Evidence) => Finding[] {
  return ({ said }) => {
    const known = causeOfFailure(text(said))
    if (known === undefined) return []
    const cause = known.cause.startsWith('client-cert.') ? known.cause : `${who}.${known.cause}`
    const whose = who === 'upstream' ? '' : 'of the token endpoint: '
    return found(cause, whose + known.because, asSentence(known.mend), known.certainty)
  }
}

function mendOfRule(rule: string): string {
  if (rule === 'the path holds an empty segment')
    return 'Mend the URL in the sender: it was entered with a doubled slash, or a proxy between adds one.'
  return /^(?:X-)?Forwarded/.test(rule)
    ? 'Let the proxy write addresses alone there: no name, no "unknown", and no port (Azure Application Gateway adds one).'
    : 'Look for a client, or a proxy between, that writes HTTP by hand.'
}

const READERS: Readonly<Record<string, (evidence: Evidence, seen: Seen | undefined) => Finding[]>> = {
  'route.none': evidence => {
    const nearest = evidence['nearest-route']
    if (nearest === undefined) return []
    const mend = `Mend the URL in the sender, or match of the route ${text(nearest)}.`
    return found('route.nearest', `the nearest route is ${text(nearest)}: ${text(evidence.differs)}`, mend, 'likely')
  },
  'route.method': ({ method, allowed }, seen) => {
    const methods = Array.isArray(allowed) ? allowed.map(String) : [text(allowed)]
    const because = `it is ${text(method)}, and the routes of this path take ${methods.join(', ')}`
    const shake = /[?&](hub\.challenge|validationToken|challenge|crc_token)=/.exec(seen?.target ?? '')?.[1]
    if (method === 'GET' && shake !== undefined)
      return found(
        'route.method-other',
        `${because}; it is the handshake by which a service tries an endpoint (${shake}), and the route answers none of this form`,
        'Add the check challenge to the route; where it is there, compare the handshake with the page of the service.',
      )
    // What only a request with a body says of itself.
    if (method === 'GET' && methods.includes('POST') && has(seen, /^(?:content-type|.*signature.*|x-.*-hmac.*)$/i))
      return found(
        'route.method-other',
        `${because}; it has fields of a POST: a redirect (301, 302) before it made it a GET without a body`,
        'Enter the URL that the redirect leads to in the sender, or redirect with 308, which keeps method and body.',
      )
    return found(
      'route.method-other',
      because,
      `Let the sender use one of them, or add ${text(method)} to match.methods.`,
    )
  },
  'route.offline': ({ missing, mend }) => found('route.missing-resource', text(missing), text(mend)),
  'request.misdirected': evidence =>
    found(
      'request.server-name',
      `TLS was opened for ${text(evidence['server-name'])}, and Host says ${text(evidence.host)}`,
      'Let whoever opens the TLS connection ask for the name that stands in Host, or for none.',
    ),
  'request.malformed': ({ rule, parser, spoke }) => {
    const other = SPOKEN[text(spoke)]
    if (other) return found('request.not-http', ...other)
    const stopped = parser === undefined ? undefined : `the parser stopped with ${text(parser)}`
    const said = PARSER[text(parser)]
    return found(
      'request.rule',
      text(rule ?? (said === undefined ? stopped : `${said} (${text(parser)})`)),
      mendOfRule(text(rule)),
    )
  },
  'request.handshake': ({ handshake, mend }) => found('request.handshake-failed', text(handshake), text(mend ?? '')),
  'request.plain-http': () =>
    found(
      'request.http-to-tls',
      'the client speaks plain HTTP to a listener that speaks TLS',
      'Give the client the https:// URL.',
    ),
  'request.proxy-header': ({ rule }) =>
    found('request.proxy-header-rule', text(rule), 'Switch the PROXY protocol on in the load balancer, or off here.'),
  'body.malformed': (evidence, seen) => {
    const looks =
      evidence['read-as'] === 'json' && !has(seen, /^content-encoding$/i) ? seen && looksOf(seen.body) : undefined
    return found(
      'body.fault',
      `read as ${text(evidence['read-as'])}: ${text(evidence.fault)}${looks ? `; the body ${looks.as}` : ''}`,
      looks ? asSentence(looks.mend) : 'Let the sender write what its Content-Type says.',
    )
  },
  'forward.unreachable': unanswered('upstream'),
  'forward.timeout': unanswered('upstream'),
  'forward.no-token': unanswered('token-endpoint'),
  'body.coding': ({ coding, fault }) =>
    found(
      'body.coding-fault',
      `Content-Encoding says ${text(coding)}, and the body is ${text(fault)}`,
      'Look for a proxy that decompresses the body and leaves the field.',
    ),
}
