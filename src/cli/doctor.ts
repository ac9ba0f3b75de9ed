import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { RouteConfig } from '../config/model.ts'
import { nearest } from '../config/nearest.ts'
import { formatProblems } from '../config/problem.ts'
import { whyUnreadable } from '../config/secrets.ts'
import type { Finding } from '../core/finding.ts'
import { maskedUrl } from '../core/masked-url.ts'
import { textOf } from './arguments.ts'
import { counts, jsonReport, type Looked, type Section, TextReport } from './doctor/report.ts'
import { type Target, targetsOf } from './doctor/target.ts'
import { foldersOf, type Shown, trustOf } from './doctor/trust.ts'
import { type Errand, inbound, outbound, ownConfig } from './doctor/walk.ts'
import { openWorld, type World } from './doctor/world.ts'
import { tellFault, VerbFault } from './fault.ts'
import { EXIT, type Verb, type VerbArgs, type VerbIo, wrongUsage } from './verb.ts'

/** Looks at what a person would check by hand, in and out, before any request. */
export const doctor: Verb = {
  name: 'doctor',
  summary: 'Looks at an endpoint and the way behind it before any request: each line ok, warn or fail, with its mend.',
  usage: '[ROUTE|URL] [--config FILE] [--url URL] [--send] [...]',
  examples: [
    'sallyport doctor --config gate.yaml',
    'sallyport doctor github --config gate.yaml --url https://hooks.example.com/hooks/github',
    'sallyport doctor https://hooks.example.com/hooks/github',
    'sallyport doctor github --config gate.yaml --send --body event.json',
    'sallyport doctor --config gate.yaml --only out --json',
  ],
  options: {
    config: {
      type: 'string',
      short: 'c',
      description: "The gate's config. Without it only the endpoint of URL is looked at.",
    },
    url: { type: 'string', description: "The URL that the service was given, in place of the route's public-url." },
    only: { type: 'string', description: 'config, in or out: that part alone; default all three.' },
    send: {
      type: 'boolean',
      description: 'Let one right event through to the upstream, marked as a test. Without it nothing is forwarded.',
    },
    body: { type: 'string', description: 'With --send: the file of an event as the service sends it.' },
    ca: { type: 'string', description: 'The CAs, PEM, that the endpoint is to lead to, in place of the public ones.' },
    cert: { type: 'string', description: 'A client certificate to show to the endpoint, PEM.' },
    key: { type: 'string', description: 'Its private key, PEM.' },
    connect: { type: 'string', description: 'HOST:PORT to connect to, whatever the name of the URL stands for.' },
    echo: {
      type: 'string',
      description: 'A URL that answers with the address it sees; asked over the way of each bridge.',
    },
    strict: { type: 'boolean', description: 'Exit 1 for warnings as well.' },
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  async run(args, io) {
    if (args.positionals.length > 1) return wrongUsage(io, doctor, 'more than one route or URL is named')
    try {
      return await look(args, io)
    } catch (error) {
      return tellFault(io, 'doctor', error)
    }
  },
}

async function look(args: VerbArgs, io: VerbIo): Promise<number> {
  const asked = askedOf(args)
  const file = textOf(args, 'config')
  const world = file === undefined ? undefined : readWorld(resolve(io.cwd, file), io)
  if (world === 'refused') return EXIT.problem
  try {
    if (world === undefined && asked.url === undefined)
      throw new VerbFault('there is nothing to look at', 'name a config, --config gate.yaml, or a URL')
    refuseIdle(args, world)
    const errand = errandOf(args, world, io)
    const report = args.values.json === true ? undefined : new TextReport(io)
    const looked: Looked[] = []
    for (const [section, findings] of partsOf(args, asked, world, errand)) {
      report?.section(section)
      const all: Finding[] = []
      for await (const finding of findings) {
        all.push(finding)
        report?.finding(finding)
      }
      looked.push({ ...section, findings: all })
    }
    if (report) report.end(looked)
    else io.stdout.write(jsonReport(looked))
    const { fail, warn } = counts(looked)
    return fail > 0 || (args.values.strict === true && warn > 0) ? EXIT.problem : EXIT.ok
  } finally {
    await world?.close()
  }
}

/** Options of a part that is not looked at. @throws VerbFault */
function refuseIdle(args: VerbArgs, world: World | undefined): void {
  const only = textOf(args, 'only')
  const given = (options: readonly string[]) => options.find(option => args.values[option] !== undefined)
  if (world === undefined) {
    const idle = given([...(only === 'in' ? [] : ['only']), 'send', 'body', 'echo'])
    if (idle !== undefined)
      throw new VerbFault(`--${idle} needs the gate's config, and none is named`, 'add --config gate.yaml')
  }
  const [idle, part] =
    only === 'config' || only === 'out'
      ? [given(['send', 'body', 'connect']) ?? (only === 'config' ? given(['echo']) : undefined), 'in']
      : [only === 'in' ? given(['echo']) : undefined, 'out']
  if (idle !== undefined)
    throw new VerbFault(
      `--${idle} is of the part ${idle === 'echo' ? 'out' : part}, which --only ${only} leaves out`,
      `leave one of --${idle} and --only out`,
    )
}

interface Asked {
  readonly route: string | undefined
  readonly url: string | undefined
}

function askedOf(args: VerbArgs): Asked {
  const [named] = args.positionals
  const isUrl = named?.includes('://') === true
  const url = textOf(args, 'url')
  if (isUrl && url !== undefined) throw new VerbFault('two URLs are named', 'leave --url out, or name a route')
  return { route: isUrl ? undefined : named, url: isUrl ? named : url }
}

function readWorld(path: string, io: VerbIo): World | 'refused' {
  const world = openWorld(path, io.env)
  if ('compiled' in world) return world
  io.stderr.write(formatProblems(world.problems, world.text))
  return 'refused'
}

type Part = readonly [Section, AsyncIterable<Finding>]

function* partsOf(
  args: VerbArgs,
  { route: name, url }: Asked,
  world: World | undefined,
  errand: Errand,
): Generator<Part> {
  const only = textOf(args, 'only')
  if (only !== undefined && only !== 'config' && only !== 'in' && only !== 'out')
    throw new VerbFault(`--only takes config, in or out`, 'leave it out for all three')
  const wanted = (part: string): boolean => only === undefined || only === part
  const connect = connectOf(textOf(args, 'connect'))
  if (world === undefined) {
    const target: Target = { text: url ?? '', from: 'asked', connect }
    yield [{ route: undefined, part: 'in', subject: maskedUrl(target.text) }, inbound(target, errand)]
    return
  }
  const routes = routesOf(world, name, url)
  if (routes.length > 1 && url !== undefined) throw new VerbFault('a URL is of one route', 'name the route as well')
  for (const route of routes) {
    if (wanted('config'))
      yield [{ route: route.name, part: 'config', subject: 'checks, secrets and files' }, ownConfig(route, world)]
    for (const target of wanted('in') ? targetsOf(route, world, url, connect) : [])
      yield [{ route: route.name, part: 'in', subject: maskedUrl(target.text) }, inbound(target, errand)]
    if (wanted('out')) yield [{ route: route.name, part: 'out', subject: route.forward.to }, outbound(route, errand)]
  }
}

/** The routes that are asked about: one by its name, the one that a URL leads to, or all. */
function routesOf(world: World, name: string | undefined, url: string | undefined): readonly RouteConfig[] {
  const { routes } = world.config
  if (name !== undefined) {
    const found = routes.find(route => route.name === name)
    if (found) return [found]
    const near = nearest(
      name,
      routes.map(route => route.name),
    )
    throw new VerbFault(
      `there is no route ${JSON.stringify(name)}`,
      `${near === undefined ? '' : `did you mean "${near}"? `}one of ${routes.map(route => route.name).join(', ')}`,
    )
  }
  if (url === undefined || routes.length === 1) return routes
  const asked = URL.canParse(url) ? new URL(url) : undefined
  const paths = [...world.compiled.tables.values()].map(
    table => asked && table.match('POST', asked.hostname, asked.pathname).route?.name,
  )
  const found = routes.filter(route => paths.includes(route.name))
  if (found.length > 0) return found.slice(0, 1)
  throw new VerbFault(
    `no route has the path of ${maskedUrl(url)}`,
    `name the route as well: one of ${routes.map(route => route.name).join(', ')}`,
  )
}

function connectOf(text: string | undefined): Target['connect'] {
  if (text === undefined) return undefined
  const [, six, name, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? []
  const to = six ?? name
  if (to === undefined || port === undefined)
    throw new VerbFault('--connect is no host with a port', 'write --connect 127.0.0.1:8443')
  return { host: to, port: Number(port) }
}

function errandOf(args: VerbArgs, world: World | undefined, io: VerbIo): Errand {
  const ca = readOption(args, 'ca', io)
  const [cert, key] = [readOption(args, 'cert', io), readOption(args, 'key', io)]
  if ((cert === undefined) !== (key === undefined))
    throw new VerbFault('--cert and --key go together', 'name both files')
  const shown: Shown | undefined = cert && key && { cert: cert.pem, key: key.pem }
  const send = args.values.send === true
  const body = readOption(args, 'body', io)
  if (body && !send) throw new VerbFault('--body is what --send sends', 'add --send')
  const echo = textOf(args, 'echo')
  if (echo !== undefined && !/^https?:$/.test(URL.canParse(echo) ? new URL(echo).protocol : ''))
    throw new VerbFault('--echo is no http or https URL', 'write e.g. --echo https://ip.example.com/')
  const files = (world?.config.listeners ?? []).flatMap(({ tls }) =>
    (tls?.certificates ?? []).map(each => ('pkcs12' in each ? each.pkcs12 : each.cert)),
  )
  return {
    world,
    trust: trustOf(ca, foldersOf(files, world?.folder ?? io.cwd), shown),
    sending: { send, body: body?.pem },
    echo: echo === undefined ? undefined : new URL(echo),
  }
}

function readOption(
  args: VerbArgs,
  option: string,
  io: VerbIo,
): { readonly path: string; readonly pem: Buffer } | undefined {
  const path = textOf(args, option)
  if (path === undefined) return undefined
  try {
    return { path, pem: readFileSync(resolve(io.cwd, path)) }
  } catch (cause) {
    const { message } = whyUnreadable(path, cause)
    throw new VerbFault(`--${option}: ${message}`, 'check the path; it is relative to the current folder', 'problem')
  }
}
