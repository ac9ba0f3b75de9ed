import type { DenialSpec } from '../core/decision.ts'

/** What the gate itself refuses, outside any check. Checks declare their own codes. */
export const pipelineDenials = {
  'request.malformed': {
    status: 400,
    title: 'Malformed request',
    meaning: 'The request is not HTTP that every parser reads alike, or it breaks off.',
    remedy: 'The evidence names the field or the rule. Look for a proxy or a client that writes HTTP by hand.',
  },
  'request.too-large': {
    status: 431,
    title: 'Request header fields too large',
    meaning:
      "The head, or what stands around the chunks of the body, has more bytes or header fields than the listener's limits allow.",
    remedy: 'Raise limits.head-bytes or limits.headers of the listener if the sender really needs it.',
  },
  'request.timeout': {
    status: 408,
    title: 'Request timeout',
    meaning: 'The request did not arrive whole within the deadline.',
    remedy:
      'A slow or broken sender. Raise limits.head or limits.request of the listener only for a sender that you know.',
  },
  'request.expectation': {
    status: 417,
    title: 'Expectation failed',
    meaning: 'The Expect field asks for something other than 100-continue.',
    remedy: 'The sender must leave out Expect, or send 100-continue.',
  },
  'request.handshake': {
    status: 400,
    title: 'Malformed request',
    meaning: 'The TLS handshake failed, so there was no request. The connection was closed without an answer.',
    remedy: 'The evidence says why, and what to do about it where that is known.',
  },
  'request.plain-http': {
    status: 400,
    title: 'HTTPS required',
    meaning: 'The sender speaks plain HTTP to a listener that speaks TLS, so nothing of the request was read.',
    remedy: 'Enter the URL with https:// in the sender.',
  },
  'request.no-source': {
    status: 403,
    title: 'Forbidden',
    meaning:
      'The load balancer opened the connection with a PROXY header that does not say whom it speaks for (UNKNOWN), so that no address can be judged.',
    remedy:
      'Let the load balancer send the PROXY header of each client. For its own health checks it sends LOCAL (version 2), which counts as its own address.',
  },
  'request.proxy-header': {
    status: 400,
    title: 'Malformed request',
    meaning:
      'A connection from one of the networks of proxy-protocol did not begin with a PROXY header that holds. It was closed without an answer.',
    remedy:
      'Switch on the PROXY protocol in the load balancer, or take its network out of proxy-protocol. The evidence names the rule.',
  },
  'request.misdirected': {
    status: 421,
    title: 'Misdirected request',
    meaning:
      'The name that the client asked for in its TLS handshake (SNI) leads to another route than the Host field does. A client that sent no name is routed by Host alone.',
    remedy:
      'Let the sender, or the proxy in front that opens the TLS connection, ask for the name that it writes into Host, or for none.',
  },
  'route.none': {
    status: 404,
    title: 'No such endpoint',
    meaning: 'No route of this listener matches the path and host.',
    remedy: "The evidence names the nearest route and what differs. Mend the URL in the sender, or the route's match.",
  },
  'route.method': {
    status: 405,
    title: 'Method not allowed',
    meaning: 'The path is a route, but not for this method.',
    remedy: 'Let the sender use a method of the Allow field, or add this one to match.methods.',
  },
  'route.offline': {
    status: 503,
    title: 'Temporarily unavailable',
    meaning: 'The route lacks something it needs: a secret, a certificate or a file.',
    remedy: 'The evidence names what is missing. It comes online by itself at the next reload.',
    headers: [['Retry-After', '30']],
  },
  'body.malformed': {
    status: 400,
    title: 'Malformed body',
    meaning: 'The body is not what its Content-Type says, or it is ambiguous (a JSON member twice, for instance).',
    remedy:
      'The evidence names the fault and where it is. The sender must send valid, unambiguous JSON or a valid form.',
  },
  'body.coding': {
    status: 400,
    title: 'Malformed content coding',
    meaning:
      'The body can not be decompressed as its Content-Encoding says: it is truncated, damaged or not compressed.',
    remedy: 'Look for a proxy that decompresses the body but leaves the Content-Encoding field.',
  },
  'gateway.overloaded': {
    status: 503,
    title: 'Temporarily unavailable',
    meaning: "As many requests are under way as the listener's limits.requests allows.",
    remedy: 'See whether the upstream answers slowly. Raise limits.requests, or add an instance.',
    headers: [['Retry-After', '1']],
  },
  'gateway.fault': {
    status: 500,
    title: 'Internal error',
    meaning: 'A check failed in a way it should not. The request was refused, as always when in doubt.',
    remedy: 'The log holds the error. Please report it with the request id.',
  },
  'forward.unreachable': {
    status: 502,
    title: 'Bad gateway',
    meaning: 'The request was verified, but the upstream could not be reached or closed the connection.',
    remedy:
      'See the evidence for what the connection said: is the upstream up, is forward.to right, does its certificate verify?',
  },
  'forward.malformed': {
    status: 502,
    title: 'Bad gateway',
    meaning: 'The upstream answered something that is not HTTP/1.1.',
    remedy: 'See the evidence. Check that forward.to names an HTTP server and the right port.',
  },
  'forward.timeout': {
    status: 504,
    title: 'Gateway timeout',
    meaning:
      'The request was verified, but the upstream gave no whole answer in time. It may have received the request.',
    remedy: 'Mend the upstream, or raise forward.timeout of the route.',
  },
  'forward.address': {
    status: 502,
    title: 'Bad gateway',
    meaning:
      "The request was verified, but the upstream's name stands for an address that is not on the internet: private, loopback, link-local or a cloud's metadata. The request was not sent.",
    remedy:
      'See the evidence. Where the address is right, name it or its network under forward.allow-private; where it is not, somebody has changed the name.',
  },
  'forward.no-token': {
    status: 502,
    title: 'Bad gateway',
    meaning:
      'The request was verified, but the token endpoint gave no token for the upstream. The request was not sent.',
    remedy:
      'See the evidence for what the endpoint answered: are token-url, client-id, the secret or key, and the scopes right?',
  },
  'forward.unsigned': {
    status: 422,
    title: 'Content can not be signed',
    meaning:
      'The request was verified, but lacks what the signature for the upstream covers, such as a field or a member of the body. It was not sent.',
    remedy:
      'The evidence names what is missing. Have it sent, and named under pass-headers where it is a field; or take it out of authenticate.signature.components.',
  },
  'forward.paced': {
    status: 503,
    title: 'Temporarily unavailable',
    meaning:
      "The request was verified, but its turn to be sent did not come in time: the route's pace, its concurrency or the upstream itself asks to wait. It was not sent.",
    remedy:
      'The sender waits as Retry-After says. If this lasts, send less, or raise pace.max-wait and pace.max-queue; raise pace.rate only with the limit of the upstream.',
  },
  'forward.breaker-open': {
    status: 503,
    title: 'Temporarily unavailable',
    meaning: 'The upstream failed so often that nothing is sent to it for a while. The request was not sent.',
    remedy: 'See why the upstream fails, by the log lines before. It is tried again by itself after breaker.rest.',
  },
  'forward.too-large': {
    status: 413,
    title: 'Content too large for the upstream',
    meaning: "The body is larger than the route's body.max, which is what the upstream takes. It was not sent.",
    remedy:
      'The evidence names the largest members. Send less, or name members under body.truncate whose text may be cut.',
  },
  'forward.no-form': {
    status: 422,
    title: 'Content is no form',
    meaning: 'The upstream takes a form, and the JSON body is none: an object of texts, numbers and lists of them.',
    remedy: 'The evidence names the member. The sender must send it flat; or set body.as to json.',
  },
} as const satisfies Readonly<Record<string, DenialSpec>>

export type PipelineCode = keyof typeof pipelineDenials
