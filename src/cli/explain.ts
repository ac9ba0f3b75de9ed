import type { SendReport } from '../console/captures-api.ts'
import { type Explanation, formatExplanation } from '../pipeline/explanation.ts'
import { textOf } from './arguments.ts'
import { adminOptions, askAdmin } from './ask-admin.ts'
import { explainRoute } from './explain-route.ts'
import { tellFault, VerbFault } from './fault.ts'
import { EXIT, type Verb, type VerbArgs, type VerbIo, wrongUsage } from './verb.ts'

/** A ULID, as the gate gives its requests. */
const REQUEST_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/

export const explain: Verb = {
  name: 'explain',
  summary: 'Tells why a request was refused: the check, the evidence, the near misses and the mend.',
  usage: 'REQUEST-ID | --route NAME --config FILE [--json] [--capture | --send [--at received]]',
  examples: [
    'sallyport explain 01KAR5D9M0V7T3E8Q2J4XWY6ZB --config gate.yaml',
    'sallyport explain 01KAR5D9M0V7T3E8Q2J4XWY6ZB --admin http://127.0.0.1:9901 --token env:ADMIN_TOKEN --json',
    'sallyport explain 01KAR5D9M0V7T3E8Q2J4XWY6ZB --config gate.yaml --send',
    'sallyport explain --route zendesk-tickets --config gate.yaml',
  ],
  options: {
    ...adminOptions,
    route: { type: 'string', description: 'Tell what the failures of this route have in common.' },
    json: { type: 'boolean', description: 'Print JSON.' },
    capture: { type: 'boolean', description: 'Print the request as it was kept, as JSON, credentials masked.' },
    send: { type: 'boolean', description: 'Send it again through the config in force, e.g. after a fix.' },
    at: {
      type: 'string',
      description: 'With --send: "received" tells the checks the time of the capture. Default now.',
    },
  },
  async run(args, io) {
    const [what, ...more] = args.positionals
    const route = textOf(args, 'route')
    if ((what === undefined) === (route === undefined) || more.length > 0)
      return wrongUsage(io, explain, 'it takes one request id, or --route and no id')
    try {
      if (route !== undefined) return await explainRoute(route, args, io)
      return REQUEST_ID.test(what ?? '') ? await explainRunning(what ?? '', args, io) : notAnId(what ?? '')
    } catch (error) {
      return tellFault(io, 'explain', error)
    }
  },
}

function notAnId(what: string): never {
  throw new VerbFault(
    `${JSON.stringify(what.slice(0, 100))} is no request id`,
    'take it from X-Request-Id of the answer, or from request-id in the log',
  )
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
