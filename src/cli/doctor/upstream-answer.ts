import type { Socket } from 'node:net'
import type { RouteConfig } from '../../config/model.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { maskedUrl } from '../../core/masked-url.ts'
import type { Credential, Grant } from '../../forward/credentials/credential.ts'
import type { Outbound } from '../../forward/normalise.ts'
import { UnsignableFault } from '../../signing/signed-form.ts'
import { type Answer, ask, isAnswer, type NoAnswer } from './ask.ts'
import { clockFindings } from './clock-skew.ts'
import { rateFindings } from './rate-fields.ts'
import { challengeFinding } from './upstream-challenge.ts'
import { clientCertRefusal } from './upstream-tls.ts'

const ANSWER_MS = 15_000

/**
 * Asks the upstream for its options (RFC 9110 section 9.3.7), which changes nothing there, with the credentials of the
 * route and over its connection.
 * @param certificateFits the client certificate is of a CA that was asked for, in date and for clients
 */
export async function lookAtUpstreamAnswer(
  socket: Socket,
  route: RouteConfig,
  credentials: readonly Credential[],
  certificateFits = false,
): Promise<readonly Finding[]> {
  const { forward } = route
  const url = new URL(forward.to)
  let outbound: Outbound = {
    id: 'sallyport-doctor',
    method: 'OPTIONS',
    path: url.pathname + url.search,
    headers: ['User-Agent', 'sallyport-doctor'],
    body: undefined,
  }
  for (const credential of credentials) {
    const grant = await credential.grant()
    // Why there is no token has its own lines.
    if (!grant.ok) return []
    outbound = applied(grant, outbound)
  }
  const headers = Array.from(
    { length: outbound.headers.length / 2 },
    (_, at) => [outbound.headers[at * 2] ?? '', outbound.headers[at * 2 + 1] ?? ''] as const,
  )
  const answer = await ask(
    socket,
    { method: outbound.method, path: outbound.path, host: url.host, headers, body: outbound.body },
    ANSWER_MS,
  )
  if (!isAnswer(answer)) return [unanswered(answer, route)]
  const sent = headers.find(([name]) => name.toLowerCase() === 'authorization')?.[1]
  return [
    ...judge(answer, route, certificateFits, sent),
    ...clockFindings(answer, 'the upstream'),
    ...rateFindings(answer, forward.pace),
  ]
}

function applied(grant: Grant, outbound: Outbound): Outbound {
  try {
    return grant.apply(outbound, Date.now())
  } catch (error) {
    // A scheme that signs in the body has none here.
    if (error instanceof UnsignableFault) return outbound
    throw error
  }
}

function unanswered({ code, message }: NoAnswer, { forward }: RouteConfig): Finding {
  const refusal = clientCertRefusal(code, forward.tls?.certificate !== undefined)
  if (refusal) return refusal
  if (code.startsWith('HPE_'))
    return fail(
      'upstream.not-http',
      `what answers is no HTTP/1.1 (${code})`,
      'is it the right port, and https:// where it speaks TLS?',
      { evidence: { code } },
    )
  return fail('upstream.no-answer', `the upstream does not answer: ${message} (${code})`, 'look at its log', {
    evidence: { code },
  })
}

/** @param sent Authorization, as the credential of the route wrote it */
function judge(answer: Answer, route: RouteConfig, certificateFits: boolean, sent: string | undefined): Finding[] {
  const { status, headers, body } = answer
  const { authenticate, tls } = route.forward
  const evidence = { status, ...(headers.server === undefined ? {} : { server: headers.server }) }
  const tell = `the upstream answers ${status} to OPTIONS`
  if (status === 400 && /SSL certificate/i.test(body))
    return [
      /No required/i.test(body) || tls?.certificate === undefined
        ? fail(
            'client-cert.none',
            `${tell}: it wants a client certificate and was shown none`,
            'add tls: { certificate: { cert: FILE, key: FILE } } to forward',
            { evidence },
          )
        : fail(
            'client-cert.refused',
            `${tell}: it does not accept the client certificate${certificateFits ? ', which is in date and of a CA that it asks for' : ''}`,
            certificateFits
              ? 'ask its operator whether it was revoked, or is none of those that were agreed on; have another one issued'
              : 'have it issued by a CA that the service names, with its intermediate in the file',
            { evidence },
          ),
    ]
  if (status === 400 && /HTTP request (?:was sent )?to (?:an )?HTTPS/i.test(body))
    return [
      fail(
        'upstream.tls-port',
        `${tell}: it is a port of TLS, and was asked in plain http`,
        'write https:// into forward.to',
        { evidence },
      ),
    ]
  if (status >= 300 && status < 400)
    return [
      fail(
        'upstream.redirect',
        `${tell}, a redirect to ${maskedUrl(headers.location ?? 'nowhere')}, which the gate does not follow`,
        'write the URL that it leads to into forward.to',
        {
          evidence: { ...evidence, location: maskedUrl(headers.location ?? '') },
        },
      ),
    ]
  const refused = challengeFinding(answer, sent, tell)
  if (refused) return [refused]
  if (status === 401 && authenticate)
    return [
      fail(
        'upstream.credentials-refused',
        `${tell}: it does not take the credential of the route`,
        'compare it with the one in the service, and whether it is for this host (test or live)',
        { evidence, certainty: 'likely' },
      ),
    ]
  if (status === 401)
    return [
      warn(
        'upstream.wants-credentials',
        `${tell}, and the route has no credential`,
        'add authenticate to forward, where the service wants one',
        { evidence },
      ),
    ]
  if (status === 403)
    return [
      warn(
        'upstream.forbidden',
        `${tell}: it knows who asks and does not let in, or does not admit this address`,
        'ask its operator for the rights of this account, and to allow this address',
        { evidence, certainty: 'possible' },
      ),
    ]
  if (status === 404 || status === 410)
    return [
      warn(
        'upstream.no-path',
        `${tell}: it may have nothing at ${new URL(route.forward.to).pathname}`,
        'compare the path of forward.to; some servers answer so to OPTIONS alone',
        { evidence, certainty: 'possible' },
      ),
    ]
  if (status === 502 || status === 503 || status === 504)
    return [
      fail('upstream.down', `${tell}: what stands there does not reach the application`, 'look at its log', {
        evidence,
      }),
    ]
  if (status === 500) return [warn('upstream.failing', tell, 'look at its log', { evidence, certainty: 'possible' })]
  const { allow } = headers
  const methods = route.match.methods.filter(method => method !== 'OPTIONS')
  if (
    allow !== undefined &&
    methods.length > 0 &&
    !methods.some(method =>
      allow
        .toUpperCase()
        .split(/\s*,\s*/)
        .includes(method),
    )
  )
    return [
      warn(
        'upstream.method',
        `it takes ${allow} there, and the route sends ${methods.join(', ')}`,
        'compare the path of forward.to',
        { evidence: { ...evidence, allow } },
      ),
    ]
  if (status < 300 && /^text\/html/.test(headers['content-type'] ?? '') && /<(?:html|form|title|!doctype)/i.test(body))
    return [
      warn(
        'upstream.page',
        `${tell} with a page of HTML, as a login or a front page does, and no API`,
        'compare the host and the path of forward.to',
        { evidence, certainty: 'likely' },
      ),
    ]
  return [ok('upstream.answers', tell, evidence)]
}
