import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { maskedUrl } from '../../core/masked-url.ts'
import type { Answer, NoAnswer } from './ask.ts'
import { clockFindings } from './clock-skew.ts'
import { problemIn } from './gate-answer.ts'
import { speaksTls } from './server-tls.ts'
import type { Target } from './target.ts'
import { askOver, isAnswer, type Way } from './way.ts'

/** Says who asks, for those who read the log of what stands in front. */
export const DOCTOR_HEADERS = [['User-Agent', 'sallyport-doctor']] as const

/**
 * What answers at the endpoint, asked in a way that nothing is forwarded, and what its clock says.
 * @param before what its URL has shown
 */
export async function lookAtAnswer(
  target: Target,
  url: URL,
  way: Way,
  before: readonly Finding[],
): Promise<readonly Finding[]> {
  // A route's own method could be let through to the upstream.
  const method = target.route?.match.methods.includes('GET') ? 'OPTIONS' : 'GET'
  const answer = await askOver(way, url, { method, headers: DOCTOR_HEADERS })
  if (!isAnswer(answer)) return [!way.secure && (await speaksTls(way)) ? TLS_PORT : noAnswer(answer)]
  return [...whoAnswers(answer, target, before), ...clockFindings(answer, 'the endpoint', toleranceOf(target))]
}

const TLS_PORT = fail('http.tls-port', 'it is a port of TLS, and was asked in plain http', 'write https:// in the URL')

export function noAnswer({ code, message }: NoAnswer): Finding {
  if (code.startsWith('HPE_'))
    return fail(
      'http.not-http',
      `what answers is no HTTP/1.1 (${code})`,
      'is it the right port, and https:// where it speaks TLS?',
      {
        evidence: { code },
      },
    )
  if (/CERTIFICATE_REQUIRED|BAD_CERTIFICATE|ALERT_CERTIFICATE|UNKNOWN_CA/.test(code))
    return fail(
      'client-cert.required',
      `it ends the connection of whoever shows no client certificate that it accepts (${code})`,
      'show one: --cert FILE --key FILE',
      {
        evidence: { code },
      },
    )
  return fail(
    'http.no-answer',
    `there is no answer: ${message} (${code})`,
    'look at the log of the gate and of what stands in front',
    {
      evidence: { code },
    },
  )
}

function whoAnswers(answer: Answer, { route }: Target, before: readonly Finding[]): Finding[] {
  const { status, headers, body } = answer
  const problem = problemIn(answer)
  const evidence = {
    status,
    ...(headers.server === undefined ? {} : { server: headers.server }),
    ...(problem ? { code: problem.code, 'request-id': problem.requestId } : {}),
  }
  const who = headers.server === undefined ? 'something else' : headers.server
  // Where the config itself has no route for the URL, the gate has said no more than that.
  const isForeseen = before.some(({ cause }) => cause === 'url.path-unmatched')
  if (problem?.code === 'route.none' && !isForeseen)
    return [
      fail(
        'url.path-unmatched',
        'the gate answers that it has no route there: what stands in front changes the path or the host, or the gate runs another config',
        "compare the gate's log line of this request id with match",
        {
          evidence,
        },
      ),
    ]
  if (problem?.code === 'request.plain-http') return [TLS_PORT]
  if (problem?.code === 'route.offline')
    return [
      fail(
        'route.offline',
        'the gate answers that the route is offline',
        'its log says what is missing; so does this command with --config',
        { evidence },
      ),
    ]
  if (problem) return [ok('http.gate', `the gate answers (${status} ${problem.code})`, evidence)]
  if (status >= 300 && status < 400)
    return [
      fail(
        'http.redirect',
        `${who} answers ${status}, a redirect to ${maskedUrl(headers.location ?? 'nowhere')}: services follow none, or drop the body on the way`,
        'give the service the URL that it leads to, or take the redirect off this path',
        { evidence: { ...evidence, location: maskedUrl(headers.location ?? '') } },
      ),
    ]
  if (status === 400 && /SSL certificate/i.test(body))
    return [
      fail(
        'client-cert.required',
        `${who} answers ${status}: it wants a client certificate that it accepts`,
        'show one: --cert FILE --key FILE',
        {
          evidence,
        },
      ),
    ]
  if (status === 400 && /plain HTTP request was sent to HTTPS/i.test(body)) return [TLS_PORT]
  // 503 is also what stands in front for maintenance, or limits; HAProxy says so of servers that are down.
  if (status === 502 || status === 504 || (status === 503 && /no server is available/i.test(body)))
    return [
      fail(
        'http.no-gate-behind',
        `${who} answers ${status}: it does not reach the gate behind it`,
        'look at its log for the address that it tries, and whether the gate listens there',
        {
          evidence,
        },
      ),
    ]
  if (headers['x-request-id'] !== undefined && route === undefined)
    return [ok('http.answers', `it answers ${status}`, evidence)]
  if (route === undefined && status < 500 && status !== 404)
    return [ok('http.answers', `it answers ${status}`, evidence)]
  const mend = 'look at the rules of what stands in front: its path has to lead to the gate, unchanged'
  return route === undefined
    ? [warn('http.not-the-gate', `${who} answers ${status}, and not a gate`, mend, { evidence })]
    : [fail('http.not-the-gate', `${who} answers ${status}, and not the gate`, mend, { evidence })]
}

/** The shortest tolerance of a timestamp that a check of the route names. Milliseconds. */
function toleranceOf({ route }: Target): number | undefined {
  const found = (route?.checks ?? []).flatMap(({ config }) => {
    const own: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'tolerance') : undefined
    return typeof own === 'number' ? [own] : []
  })
  return found.length === 0 ? undefined : Math.min(...found)
}
