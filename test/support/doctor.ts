import { doctor } from '../../src/cli/doctor.ts'
import type { Finding } from '../../src/core/finding.ts'
import { runVerb } from '../cli/run-verb.ts'

/** What a run of `sallyport doctor --json` found. */
export interface Examined {
  readonly code: number
  readonly findings: readonly Finding[]
  /** Causes of what failed, in order; `warned` and `fine` likewise. */
  readonly failed: readonly string[]
  readonly warned: readonly string[]
  readonly fine: readonly string[]
  /** The one finding of a cause. */
  of(cause: string): Finding
}

export async function examine(
  args: readonly string[],
  io: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv },
): Promise<Examined> {
  const { code, stdout, stderr } = await runVerb(doctor, [...args, '--json'], { env: {}, ...io })
  if (stdout === '') throw new Error(`the doctor printed nothing: ${stderr}`)
  const { sections } = JSON.parse(stdout) as { sections: readonly { readonly findings: readonly Finding[] }[] }
  const findings = sections.flatMap(section => section.findings)
  const causes = (level: Finding['level']) => findings.filter(each => each.level === level).map(({ cause }) => cause)
  return {
    code,
    findings,
    failed: causes('fail'),
    warned: causes('warn'),
    fine: causes('ok'),
    of(cause) {
      const found = findings.find(each => each.cause === cause)
      if (!found) throw new Error(`no ${cause} among ${findings.map(each => each.cause).join(', ')}`)
      return found
    },
  }
}
