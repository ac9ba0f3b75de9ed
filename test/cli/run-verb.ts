import { parseArgs } from 'node:util'
import type { Verb, VerbIo } from '../../src/cli/verb.ts'

/** Runs a verb in this process with arguments as they are typed. */
export async function runVerb(verb: Verb, args: readonly string[], io: Partial<Pick<VerbIo, 'env' | 'cwd'>> = {}) {
  const options = Object.fromEntries(
    Object.entries(verb.options).map(([name, { type, multiple = false }]) => [name, { type, multiple }]),
  )
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const said = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (said[name] += text) })
  const code = await verb.run(
    { values, positionals },
    { stdout: sink('stdout'), stderr: sink('stderr'), env: {}, cwd: import.meta.dirname, ...io },
  )
  return { code, ...said }
}
