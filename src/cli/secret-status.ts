import type { SecretsReport } from '../console/secret-status.ts'
import { formatDuration } from '../core/units.ts'
import { askAdmin } from './ask-admin.ts'
import { table } from './table.ts'
import type { VerbArgs, VerbIo } from './verb.ts'

/** Prints which secret of which route is still used. @throws VerbFault */
export async function tellSecretStatus(args: VerbArgs, io: VerbIo): Promise<void> {
  const report = (await askAdmin(args, '/secrets', io)) as SecretsReport
  if (args.values.json === true) io.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
  else io.stdout.write(text(report, Date.now()))
}

function text({ since, secrets }: SecretsReport, now: number): string {
  if (secrets.length === 0) return 'No route names a secret.\n'
  const rows = secrets.map(({ route, check, name, state, uses, expires, advice, ...rest }) => {
    const lastUsed = rest['last-used']
    return [
      route,
      check,
      name,
      state,
      uses === null ? '?' : String(uses),
      lastUsed === null ? 'never' : `${formatDuration(now - Date.parse(lastUsed))} ago`,
      expires === null ? 'no end' : expires.slice(0, 10),
      advice,
    ]
  })
  const heads = ['route', 'check', 'secret', 'state', 'uses', 'last used', 'ends', 'advice']
  return `${table(heads, rows)}\nCounted since ${since}. What was used before is not known.\n`
}
