import { randomUUID } from 'node:crypto'
import type { ListenerConfig, RouteConfig } from '../../config/model.ts'
import { stageOf } from '../../core/check.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { providerOf } from '../../signing/index.ts'
import { VerbFault } from '../fault.ts'
import type { Answer, NoAnswer } from './ask.ts'
import { DOCTOR_HEADERS, noAnswer } from './endpoint-answer.ts'
import { type EventMaker, NoEvent, type Spoilt } from './event-maker.ts'
import { problemIn } from './gate-answer.ts'
import { enforced, eventMakerOf } from './test-event.ts'
import type { Way } from './way.ts'
import { askOver, isAnswer } from './way.ts'
import type { World } from './world.ts'

/** The endpoint as the service was given it. */
export interface Given {
  readonly url: URL
  /** As it is signed: a port that is the scheme's own stands in it where it was written. */
  readonly origin: string
}

export interface Sending {
  /** Whether a right event may be forwarded. */
  readonly send: boolean
  /** The body of it, in place of the doctor's own. */
  readonly body: Buffer | undefined
}

const SPOILT: Readonly<Record<string, string>> = {
  secret: 'another secret',
  timestamp: 'a timestamp of 30 days ago',
  body: 'a byte added after signing',
}

/** Sends a right event and forged ones through the running gate; none is forwarded unless that is asked for. */
export async function tryEvents(
  route: RouteConfig,
  world: World,
  way: Way,
  { url, origin }: Given,
  sending: Sending,
  listener?: ListenerConfig,
): Promise<readonly Finding[]> {
  const maker = eventMakerOf(route, world.resources(route))
  if (maker instanceof NoEvent) return [ok('event.not-tried', `no test event was sent: ${maker.because}`)]
  if (maker.bare && !way.secure && !['127.0.0.1', '::1'].includes(way.address))
    return [
      warn(
        'event.not-tried',
        'no test event was sent: the token would go over plain http',
        'see the findings of the URL',
      ),
    ]
  const post = async (forge: Spoilt, body: Buffer, over = way): Promise<Answer | NoAnswer> => {
    const event = maker.make(url, origin, body, forge)
    return askOver(over, event.url, {
      method: route.match.methods[0] ?? 'POST',
      headers: [...DOCTOR_HEADERS, ...event.headers],
      body: event.body,
    })
  }
  try {
    const { unforwardable: probe } = maker.bodies
    if (probe === undefined) return await tryReadable(post, route, maker, sending)
    const right = await post(undefined, probe)
    if (!isAnswer(right)) return [noAnswer(right)]
    const first = judgeRight(right, route, maker)
    const straight = first.cause === 'event.refused' && !maker.bare ? straightTo(listener, way) : undefined
    if (straight) {
      const direct = await post(undefined, probe, straight)
      const problem = isAnswer(direct) ? problemIn(direct) : undefined
      if (problem && passed(problem.code, route, maker)) return [changedOnTheWay(right, maker, url, listener)]
    }
    // What did not get as far as the signature says nothing of it.
    if (!/^event\.(?:accepted|refused)$/.test(first.cause)) return [first]
    const findings = [first, ...(await tryForged(post, probe, route, maker))]
    if (sending.send && first.level === 'ok') findings.push(await deliver(post, sending.body, maker))
    return findings
  } catch (error) {
    if (!(error instanceof VerbFault)) throw error
    return [
      ok(
        'event.not-tried',
        `no test event was sent: ${error.message}; sallyport send takes a body as the service sends it`,
      ),
    ]
  }
}

type Post = (forge: Spoilt, body: Buffer, over?: Way) => Promise<Answer | NoAnswer>

/** Every event that must not get past the check. */
async function tryForged(post: Post, body: Buffer, route: RouteConfig, maker: EventMaker): Promise<Finding[]> {
  const findings: Finding[] = []
  const refused: string[] = []
  for (const forge of maker.forgeries) {
    const answer = await post(forge, body)
    const finding = isAnswer(answer) ? judgeForged(answer, forge, route, maker) : noAnswer(answer)
    if (finding) findings.push(finding)
    else refused.push(SPOILT[forge] ?? forge)
  }
  if (refused.length === 0) return findings
  return [
    ...findings,
    ok('event.forged-refused', `the gate refuses an event with ${refused.join(', with ')}`, { refused }),
  ]
}

/** Of events whose fields are signed one by one: a right one can't be made so that the gate stops it behind the check. */
async function tryReadable(
  post: Post,
  route: RouteConfig,
  maker: EventMaker,
  sending: Sending,
): Promise<readonly Finding[]> {
  const body = maker.bodies.marked(`sallyport-doctor-${randomUUID()}`)
  const first = sending.send
    ? await deliver(post, sending.body, maker)
    : ok(
        'event.not-tried',
        `no right event was sent: what is signed as ${maker.as} is a form that has to be readable, and would be forwarded; --send sends one`,
      )
  return [first, ...(await tryForged(post, body, route, maker))]
}

/** Codes that are answered only once every check of the bytes has passed. */
function passed(code: string, route: RouteConfig, maker: EventMaker): boolean {
  if (/^(?:body\.malformed|schema\.|replay\.)/.test(code)) return true
  const name = code.split('.')[0]
  // A body check that stands behind the one that is tried was asked after it.
  const at = enforced(route).findIndex(({ kind }) => kind.name === maker.check)
  return (
    at >= 0 &&
    enforced(route).findIndex(({ kind, config }) => kind.name === name && stageOf(kind, config) !== 'head') > at
  )
}

function judgeRight(answer: Answer, route: RouteConfig, maker: EventMaker): Finding {
  const problem = problemIn(answer)
  const { status } = answer
  if (problem === undefined)
    return fail(
      'event.not-the-gate',
      `an event that no gate forwards was answered ${status}, and not by this route`,
      'what stands in front answers itself, or the gate runs another config',
      { evidence: { status } },
    )
  const evidence = { status, code: problem.code, 'request-id': problem.requestId }
  if (problem.code === 'route.offline')
    return fail(
      'route.offline',
      'the gate answers that the route is offline',
      'its log says what is missing; so does this command with --only config',
      { evidence },
    )
  if (problem.code === 'route.method')
    return fail(
      'event.method-changed',
      `the test event was sent as ${route.match.methods[0] ?? 'POST'}, which the route takes, and came to the gate as another method (${status} ${problem.code})`,
      'let what stands in front keep the method: redirects (301, 302) and rewrites make GET of POST',
      { evidence },
    )
  if (passed(problem.code, route, maker))
    return ok('event.accepted', `the gate accepts an event signed as ${maker.as}`, evidence)
  // A bare token is not sent straight to a port that nobody vouches for.
  if (maker.bare && problem.code === `${maker.check}.missing`)
    return fail(
      'event.header-stripped',
      `the gate got an event signed as ${maker.as} without ${maker.headers.join(' or ')} (${problem.code}): what stands in front takes it off, or the gate runs another config`,
      'let what stands in front pass the header on',
      { evidence, certainty: 'likely' },
    )
  if (problem.code.startsWith(`${maker.check}.`) || problem.code.startsWith('any-of.')) {
    const provider = providerOf(route.checks.map(({ config }) => providerIn(config)).find(id => id !== undefined) ?? '')
    const where = provider?.secret === undefined ? '' : ` In ${provider.name}: ${provider.secret.where}`
    return fail(
      'event.refused',
      `the running gate refuses an event signed as ${maker.as} (${problem.code}): it holds another value than this command reads`,
      `restart or reload the gate with the environment and files of now, or run this command with the gate's.${where}`,
      { evidence },
    )
  }
  return warn(
    'event.not-reached',
    `the test event was refused by an earlier check (${status} ${problem.code}), so the signature was not tried`,
    `where senders come from elsewhere that is right; sallyport explain ${problem.requestId || 'ID'} tells more`,
    { evidence },
  )
}

/** The gate's own listener, where something else stands in front of it; `undefined` where there is no telling. */
function straightTo(listener: ListenerConfig | undefined, way: Way): Way | undefined {
  if (listener === undefined || 'unix' in listener.bind || listener.proxyProtocol !== undefined) return undefined
  const { host, port } = listener.bind
  const address = host === '0.0.0.0' || host === 'localhost' ? '127.0.0.1' : host === '::' ? '::1' : host
  if (port === 0 || (address === way.address && port === way.port)) return undefined
  return { ...way, address, port, secure: listener.tls !== undefined }
}

/** The gate takes the event, and refuses what it becomes on its way. */
function changedOnTheWay(answer: Answer, maker: EventMaker, url: URL, listener: ListenerConfig | undefined): Finding {
  const problem = problemIn(answer)
  const code = problem?.code ?? ''
  const evidence = { status: answer.status, code, 'request-id': problem?.requestId ?? '' }
  const told = `the gate accepts an event signed as ${maker.as} sent straight to its listener ${listener?.name ?? ''}, and refuses it by the way of ${url.origin} (${code})`
  if (code.endsWith('.missing'))
    return fail(
      'event.header-stripped',
      `${told}: what stands in front takes ${maker.headers.join(' or ')} off`,
      `let it pass the header on (nginx passes all but those with an underscore, and those that proxy_set_header empties)`,
      { evidence },
    )
  return fail(
    'event.changed-on-the-way',
    `${told}: what stands in front changes the body, or the URL that is signed`,
    `let it pass the bytes on as they are; sallyport explain ${problem?.requestId || 'ID'} tells what was changed`,
    { evidence },
  )
}

const providerIn = (config: unknown): string | undefined => {
  const id: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, 'provider') : undefined
  return typeof id === 'string' ? id : undefined
}

/** `undefined` where it was refused as it must be. */
function judgeForged(answer: Answer, forge: Spoilt, route: RouteConfig, maker: EventMaker): Finding | undefined {
  const problem = problemIn(answer)
  if (problem && !passed(problem.code, route, maker)) return undefined
  return fail(
    'event.forged-accepted',
    `an event with ${SPOILT[forge ?? ''] ?? 'a fault'} got past the check ${maker.check} (${answer.status} ${problem?.code ?? ''})`.trim(),
    'is the check in the config that the gate runs? Reload it; where another alternative of any-of admits it, that one is too wide',
    { evidence: { status: answer.status, ...(problem ? { code: problem.code } : {}) } },
  )
}

async function deliver(post: Post, body: Buffer | undefined, maker: EventMaker): Promise<Finding> {
  const id = `sallyport-doctor-${randomUUID()}`
  const answer = await post(undefined, body ?? maker.bodies.marked(id))
  if (!isAnswer(answer)) return noAnswer(answer)
  const { status } = answer
  const problem = problemIn(answer)
  const evidence = { status, ...(problem ? { code: problem.code, 'request-id': problem.requestId } : {}) }
  if (status >= 200 && status < 300)
    return ok('event.delivered', `the event was forwarded, and the upstream answered ${status}`, evidence)
  if (problem?.code.startsWith(`${maker.check}.`))
    return fail(
      'event.refused',
      `the running gate refuses an event signed as ${maker.as} (${problem.code})`,
      "restart or reload the gate with the environment and files of now, or run this command with the gate's; sallyport explain tells whether something on the way changes the event",
      { evidence },
    )
  if (problem?.code.startsWith('forward.'))
    return fail(
      'event.not-delivered',
      `the event passed every check and the upstream did not take it (${status} ${problem.code})`,
      'see the findings of the upstream',
      {
        evidence,
      },
    )
  if (problem)
    return fail(
      'event.content-refused',
      `the event was refused for what it holds (${status} ${problem.code})`,
      'give one as the service sends it: --body FILE',
      {
        evidence,
      },
    )
  return fail(
    'event.upstream-refused',
    `the upstream answered ${status} to the event`,
    'look at its log for this request; give an event as the service sends it: --body FILE',
    {
      evidence,
    },
  )
}
