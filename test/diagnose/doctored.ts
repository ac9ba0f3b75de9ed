import type { Finding } from '../../src/core/finding.ts'
import { examine } from '../support/doctor.ts'

/** What the doctor complains of: what fails before what it only warns of. */
export async function complaints(
  args: readonly string[],
  io: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<readonly Finding[]> {
  const { findings } = await examine(args, io)
  return ['fail', 'warn'].flatMap(level => findings.filter(each => each.level === level))
}
