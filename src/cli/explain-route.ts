import type { Plan } from '../config/plan.ts'
import type { ExplainedPattern, PatternList } from '../console/patterns-api.ts'
import { noRoute } from './arguments.ts'
import { askAdmin } from './ask-admin.ts'
import { EXIT, type VerbArgs, type VerbIo } from './verb.ts'

/** Prints what the failures of a route have in common. @throws VerbFault */
export async function explainRoute(route: string, args: VerbArgs, io: VerbIo): Promise<number> {
  const list = (await askAdmin(args, `/api/patterns?route=${encodeURIComponent(route)}`, io)) as PatternList
  if (list.patterns.length === 0) await demandRoute(route, args, io)
  if (args.values.json === true) io.stdout.write(`${JSON.stringify(list, null, 2)}\n`)
  else if (list.patterns.length > 0) io.stdout.write(list.patterns.map(text).join('\n'))
  else io.stdout.write(`route ${route}: no failures since ${list.since} that have anything in common\n`)
  return EXIT.ok
}

/** @throws VerbFault where the running gate has no route of that name */
async function demandRoute(route: string, args: VerbArgs, io: VerbIo): Promise<void> {
  const { routes } = (await askAdmin(args, '/api/config', io)) as Plan
  const names = routes.map(({ name }) => name)
  if (!names.includes(route)) throw noRoute(route, names)
}

function text({ route, sentence, because, mend, example, from, to }: ExplainedPattern): string {
  const rows = [
    ['because', because],
    ['mend', mend],
    ['seen', `${from} to ${to}`],
    ['example', example === null ? null : `sallyport explain ${example}`],
  ] as const
  const lines = rows.flatMap(([name, value]) => (value === null ? [] : [`  ${name.padEnd(8)} ${value}`]))
  return `route ${route}: ${sentence}\n${lines.join('\n')}\n`
}
