import type { SendReport } from '../console/captures-api.ts'
import { type Explanation, formatExplanation } from '../pipeline/explanation.ts'
import { textOf } from './arguments.ts'
import { adminOptions, askAdmin } from './ask-admin.ts'
import { explainRoute } from './explain-route.ts'
import { tellFault, VerbFault } from './fault.ts'
import { EXIT, type Verb, type VerbArgs, type VerbIo, wrongUsage } from './verb.ts'

/** A ULID, as the gate gives its requests. */
const REQUEST_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/

/** Options that mean nothing without the id of a request that the gate has kept, and those that mean nothing with it. */
const OF_IDS = ['capture', 'send'] as const
const OF_FILES = ['entry', 'source'] as const

export const explain: Verb = {
  name: 'explain',
  summary: 'Tells why a request was refused: the check, the evidence, the near misses and the mend.',
  usage:
    'REQUEST-ID | FILE | --route NAME --config FILE [--json] [--capture | --send [--at received]] [--entry N] [--source ADDRESS]',
  examples: [
    'sallyport explain 01KAR5D9M0V7T3E8Q2J4XWY6ZB --config gate.yaml',
    'sallyport explain 01KAR5D9M0V7T3E8Q2J4XWY6ZB --admin http://127.0.0.1:9901 --token env:ADMIN_TOKEN --json',
    'sallyport explain 01KAR5D9M0V7T3E8Q2J4XWY6ZB --config gate.yaml --send',
    'sallyport explain --route zendesk-tickets --config gate.yaml',
    'sallyport explain request.har --config gate.yaml',
    'sallyport explain request.txt --config gate.yaml --route zendesk-tickets --source 198.51.100.7',
  ],
  options: {
    ...adminOptions,
    route: {
      type: 'string',
      description: 'Alone: what the failures of this route have in common. Of a FILE: as if it had come to this route.',
    },
    json: { type: 'boolean', description: 'Print JSON.' },
    capture: { type: 'boolean', description: 'Print the request as it was kept, as JSON, credentials masked.' },
    send: { type: 'boolean', description: 'Send it again through the config in force, e.g. after a fix.' },
    at: {
      type: 'string',
      description:
        'With --send: "received" tells the checks the time of the capture; default now. Of a FILE: when it came, e.g. 2027-03-01T09:30:00Z; default what the file says, or its last change.',
    },
    entry: {
      type: 'string',
      description: 'Of a FILE with several requests, the one at this place. Default: those that were refused.',
    },
    source: { type: 'string', description: 'Of a FILE: the address that it came from.' },
  },
  apart: [
    ['capture', 'send'],
    ['config', 'admin'],
  ],
  async run(args, io) {
    const [what, ...more] = args.positionals
    const route = textOf(args, 'route')
    if (more.length > 0) return wrongUsage(io, explain, 'more than one request is named')
    if (what === undefined && route === undefined)
      return wrongUsage(io, explain, 'it takes a request id, a file, or --route alone')
    const isId = REQUEST_ID.test(what ?? '')
    const ofFile = what === undefined ? [...OF_FILES, 'at'].find(name => args.values[name] !== undefined) : undefined
    if (ofFile !== undefined && args.values.send !== true)
      return wrongUsage(io, explain, `--${ofFile} is of a request, and none is named beside --route`)
    const idle = (isId ? OF_FILES : OF_IDS).find(name => args.values[name] !== undefined)
    if (idle !== undefined)
      return wrongUsage(
        io,
        explain,
        isId
          ? `--${idle} is of a file, and a request id is named`
          : `--${idle} is of a request that the gate has kept: name its id`,
      )
    if (isId && args.values.at !== undefined && args.values.send !== true)
      return wrongUsage(
        io,
        explain,
        '--at of a request that the gate has kept is for --send: add it, or leave --at out',
      )
    if (isId && route !== undefined) return wrongUsage(io, explain, 'a request id tells its route: leave --route out')
    try {
      if (what === undefined) return await explainRoute(route ?? '', args, io)
      return isId ? await explainRunning(what, args, io) : await fromFile(what, args, io)
    } catch (error) {
      return tellFault(io, 'explain', error)
    }
  },
}

/** The reading of files, and a gate to try them in, are loaded where they are asked for. */
async function fromFile(what: string, args: VerbArgs, io: VerbIo): Promise<number> {
  return (await import('./explain-file.ts')).explainFile(what, args, io)
}

/** Asks the running gate. Exit 1 where the request was refused, so that a script can tell. */
async function explainRunning(id: string, args: VerbArgs, io: VerbIo): Promise<number> {
  const json = (value: unknown) => io.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
  if (args.values.capture === true) {
    json(await askAdmin(args, `/api/captures/${id}`, io))
    return EXIT.ok
  }
  if (args.values.send === true) {
    const at = textOf(args, 'at') ?? 'now'
    if (at !== 'now' && at !== 'received') throw new VerbFault('--at takes now or received', 'leave it out for now')
    const sent = (await askAdmin(args, `/api/captures/${id}/send?at=${at}`, io, 'POST')) as SendReport
    if (args.values.json === true) json(sent)
    else
      io.stdout.write(
        `${sent.outcome}, ${sent.status}${sent.code === null ? '' : ` ${sent.code}`}, request-id ${sent['request-id']}\n`,
      )
    return sent.outcome === 'refused' || sent.outcome === 'failed' ? EXIT.problem : EXIT.ok
  }
  const explanation = (await askAdmin(args, `/api/captures/${id}/explain`, io)) as Explanation
  if (args.values.json === true) json(explanation)
  else io.stdout.write(formatExplanation(explanation))
  return EXIT.ok
}
