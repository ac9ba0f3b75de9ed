import { readFileSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { loadConfig } from '../config/load.ts'
import type { GatewayConfig, RouteConfig } from '../config/model.ts'
import { whyUnreadable } from '../config/secrets.ts'
import { parseAddress } from '../core/address.ts'
import type { CapturedRequest } from '../core/captured.ts'
import { requestId } from '../core/request-id.ts'
import { explainOffline } from '../gateway/explain-offline.ts'
import { createLog } from '../observe/log.ts'
import { type Explanation, formatExplanation } from '../pipeline/explanation.ts'
import { TlsProblem } from '../tls/problem.ts'
import { neededText, noRoute, textOf } from './arguments.ts'
import { VerbFault } from './fault.ts'
import { holdsCheck, withoutChecks } from './left-out.ts'
import type { FileRequest } from './request-files/file-request.ts'
import { readRequestFile } from './request-files/read.ts'
import { EXIT, type VerbArgs, type VerbIo } from './verb.ts'

const LARGEST = 64 * 1024 * 1024
const STDIN = 0
/** Who is asked about where a file does not say who sent it. */
const NOBODY = '127.0.0.1'

/** What a file does not tell, and the operator may. */
interface Given {
  readonly route: string | undefined
  readonly source: string | undefined
  /** Epoch milliseconds. */
  readonly at: number | undefined
}

/**
 * Explains the requests of a file by a config, without a running gate. Exit 1 where one of them would be refused.
 * @param file `-` for the standard input
 */
export async function explainFile(file: string, args: VerbArgs, io: VerbIo): Promise<number> {
  const config = configOf(neededText(args, 'config', 'name the config that the gate runs with: --config gate.yaml'), io)
  const given = givenOf(args, config)
  const path = resolve(io.cwd, file)
  const { bytes, changedAt } = readWhole(file, path, FILE)
  const world = {
    env: io.env,
    readFile: (name: string) => readWhole(name, resolve(dirname(path), name), NAMED_IN_IT).bytes,
  }
  const entry = textOf(args, 'entry')
  const requests = chosen(readRequestFile(bytes, world, entry), entry)
  const explanations: Explanation[] = []
  for (const request of requests)
    explanations.push(
      await explainOne(request, config, { ...given, at: given.at ?? request.receivedAt ?? changedAt }, io),
    )
  if (args.values.json === true)
    io.stdout.write(`${JSON.stringify(explanations.length === 1 ? explanations[0] : explanations, null, 2)}\n`)
  else io.stdout.write(explanations.map(formatExplanation).join('\n'))
  return explanations.some(({ refusal }) => refusal !== null) ? EXIT.problem : EXIT.ok
}

function configOf(name: string, io: VerbIo): GatewayConfig {
  const { config, problems } = loadConfig(resolve(io.cwd, name), io.env)
  if (config) return config
  const [first] = problems.filter(({ severity }) => severity === 'error')
  throw new VerbFault(
    `${name} can not be loaded: ${first?.message ?? 'it has errors'}`,
    `sallyport check ${name} tells all of it`,
    'problem',
  )
}

function givenOf(args: VerbArgs, { routes }: GatewayConfig): Given {
  const [route, source, at] = ['route', 'source', 'at'].map(name => textOf(args, name))
  const names = routes.map(({ name }) => name)
  if (route !== undefined && !names.includes(route)) throw noRoute(route, names)
  if (source !== undefined && parseAddress(source) === undefined)
    throw new VerbFault('--source is no address', 'write it as 192.0.2.1 or 2001:db8::1')
  const time = at === undefined ? undefined : Date.parse(at)
  if (time !== undefined && Number.isNaN(time))
    throw new VerbFault('--at is no time', 'write it as 2027-03-01T09:30:00Z')
  return { route, source, at: time }
}

/** How it is said that a file can't be read: the one that was named, and those that it names. */
const FILE = { also: ', and it is no request id', beside: 'the current folder' }
const NAMED_IN_IT = { also: '', beside: 'the file that names it' }

function readWhole(
  name: string,
  path: string,
  { also, beside }: typeof FILE,
): { readonly bytes: Buffer; readonly changedAt: number } {
  try {
    if (name === '-') return { bytes: readFileSync(STDIN), changedAt: Date.now() }
    const { size, mtimeMs } = statSync(path)
    if (size > LARGEST)
      throw new VerbFault(`the file ${name} is larger than 64 MiB`, 'take the one request out of it', 'problem')
    return { bytes: readFileSync(path), changedAt: Math.floor(mtimeMs) }
  } catch (cause) {
    if (cause instanceof VerbFault) throw cause
    const { message, mend } = whyUnreadable(name, cause, beside)
    throw new VerbFault(`${message}${also}`, mend, 'problem')
  }
}

/** Those that were refused, where the file tells it and none is named. */
function chosen(requests: readonly FileRequest[], entry: string | undefined): readonly FileRequest[] {
  if (requests.length === 0) throw new VerbFault('the file holds no request', 'write one into it', 'problem')
  const list = requests
    .map(({ label }, index) => `${index + 1} (${label})`)
    .slice(0, 20)
    .join(', ')
  if (entry !== undefined) {
    const one = /^\d{1,6}$/.test(entry) ? requests[Number(entry) - 1] : undefined
    if (one) return [one]
    throw new VerbFault(`there is no entry ${entry.slice(0, 20)} in the file`, `one of ${list}`)
  }
  if (requests.length === 1) return requests
  const refused = requests.filter(({ status = 0 }) => status >= 400)
  if (refused.length > 0) return refused
  const known = requests.some(({ status }) => status !== undefined)
  if (!known) return requests
  throw new VerbFault('none of the requests in the file was refused', `choose one by --entry: ${list}`, 'problem')
}

async function explainOne(
  request: FileRequest,
  config: GatewayConfig,
  given: Given & { readonly at: number },
  io: VerbIo,
): Promise<Explanation> {
  const limits = [...request.limits]
  const route = config.routes.find(({ name }) => name === given.route)
  const source = given.source ?? request.source
  const unknown = new Set<string>()
  if (source === undefined) unknown.add('source-ip')
  if (request.clientCertificates === undefined) unknown.add('client-cert')
  const asked = withoutChecks(config, unknown)
  const listeners = listenersOf(request, route, config)
  let best: Explanation | undefined
  for (const listener of listeners) {
    const captured = capturedOf(request, asked, listener, route, { at: given.at, source: source ?? NOBODY })
    best = await explained(captured, asked, io)
    if (best.route !== null) break
  }
  if (best === undefined) throw new Error('a config has a listener')
  const explainedBy = config.routes.find(({ name }) => name === best.route)
  for (const name of unknown)
    if (explainedBy && holdsCheck(explainedBy.checks, name))
      limits.push(
        name === 'source-ip'
          ? 'source-ip was left out, as the file does not say who sent the request: --source ADDRESS tells it.'
          : 'client-cert was left out, as no HAR, curl command or HTTP text holds a client certificate; a capture of the gate does (sallyport explain REQUEST-ID --capture).',
      )
  if (route && pathOf(request.target) !== pathOf(targetOf(request, route)))
    limits.push(
      `The request was for ${pathOf(request.target)}; it is explained as if it had come to the route ${route.name}.`,
    )
  if (request.receivedAt === undefined && best.refusal?.code === 'signature.expired')
    limits.push(
      'The file does not say when the request came, so the time of its last change counts: --at TIME tells it.',
    )
  return { ...best, source: source ?? 'a file', limits: [...best.limits, ...limits] }
}

async function explained(captured: CapturedRequest, config: GatewayConfig, io: VerbIo): Promise<Explanation> {
  try {
    return await explainOffline(captured, config, io.env, createLog({ destination: io.stderr, level: 'silent' }))
  } catch (cause) {
    if (cause instanceof TlsProblem) throw new VerbFault(cause.message, cause.mend, 'problem')
    throw cause
  }
}

function listenersOf(
  { listener }: FileRequest,
  route: RouteConfig | undefined,
  { listeners }: GatewayConfig,
): readonly string[] {
  const names = listeners.map(({ name }) => name)
  const wanted = route?.listener ?? listener
  return wanted !== undefined && names.includes(wanted) ? [wanted] : names
}

function capturedOf(
  request: FileRequest,
  config: GatewayConfig,
  listener: string,
  route: RouteConfig | undefined,
  { at, source }: { readonly at: number; readonly source: string },
): CapturedRequest {
  const own = config.listeners.find(({ name }) => name === listener)
  const { body, cut, masked = false, peer, serverName, clientCertificates = [], refusal } = request
  return {
    id: requestId(at),
    receivedAt: at,
    listener,
    route: undefined,
    encrypted: request.encrypted ?? own?.tls !== undefined,
    serverName,
    method: request.method,
    target: route ? targetOf(request, route) : request.target,
    rawHeaders: headersOf(request, route, own?.publicUrl),
    source,
    peer: peer ?? source,
    clientCertificates,
    body,
    bodyBytes: body.length,
    cut,
    masked,
    refusal,
  }
}

/** Host and Content-Length as they were, or as they must have been. */
function headersOf(
  { headers, authority, body, cut }: FileRequest,
  route: RouteConfig | undefined,
  publicUrl: string | undefined,
): string[] {
  const has = (name: string): boolean => headers.some(([one]) => one.toLowerCase() === name)
  const host = route?.match.host ?? authority ?? URL.parse(route?.publicUrl ?? publicUrl ?? '')?.host ?? 'localhost'
  const isLength = (name: string): boolean => name.toLowerCase() === 'content-length'
  const isOther = (name: string): boolean => name.toLowerCase() === 'host' && route?.match.host !== undefined
  const kept = headers.filter(([name]) => (cut || !isLength(name)) && !isOther(name))
  const lengthless = cut || has('transfer-encoding') || (body.length === 0 && !has('content-length'))
  return [
    ...(has('host') && route?.match.host === undefined ? [] : [['Host', host]]),
    ...kept,
    ...(lengthless ? [] : [['Content-Length', String(body.length)]]),
  ].flat()
}

/** The target, at a path of that route. */
function targetOf({ target }: FileRequest, { match }: RouteConfig): string {
  const path = pathOf(target)
  const fits = match.path === undefined ? path.startsWith(match.pathPrefix ?? '/') : path === match.path
  return fits ? target : `${match.path ?? match.pathPrefix ?? '/'}${target.slice(path.length)}`
}

const pathOf = (target: string): string => /^[^?]*/.exec(target)?.[0] ?? target
