import { isAbsolute, relative, resolve } from 'node:path'
import { type Loaded, loadConfig, withFaults } from '../config/load.ts'
import { formatPlan, planOf } from '../config/plan.ts'
import { formatProblems } from '../config/problem.ts'
import { EXIT, type Verb, type VerbIo, wrongUsage } from './verb.ts'

/** Validates a config and the files of its listeners and bridges without opening, binding or connecting anything. */
export const check: Verb = {
  name: 'check',
  summary: 'Checks a config: every problem with its place and its mend, or the plan.',
  usage: 'FILE [--plan] [--json] [--strict]',
  examples: [
    'sallyport check gate.yaml',
    'sallyport check gate.yaml --plan',
    'sallyport check --config gate.yaml --strict --json',
  ],
  options: {
    config: { type: 'string', short: 'c', description: 'The config file, instead of FILE.' },
    plan: { type: 'boolean', description: 'Print the plan: listeners and routes with every default filled in.' },
    json: { type: 'boolean', description: 'Print JSON: problems, and with --plan the plan.' },
    strict: { type: 'boolean', description: 'Exit 1 for warnings as well.' },
  },
  async run({ values, positionals }, io) {
    const named = [...(typeof values.config === 'string' ? [values.config] : []), ...positionals]
    const [file] = named
    if (file === undefined || named.length > 1)
      return wrongUsage(
        io,
        check,
        file === undefined ? 'no config file is named' : 'more than one config file is named',
      )
    const path = resolve(io.cwd, file)
    const loaded = await withFiles(loadConfig(path, io.env), path, io)
    const shown: Loaded = {
      ...loaded,
      problems: loaded.problems.map(problem => ({ ...problem, file: shownName(path, file, io) })),
    }
    if (values.json === true) writeJson(shown, values.plan === true, io)
    else writeText(shown, file, values.plan === true, io)
    const failed = !shown.config || (values.strict === true && shown.problems.length > 0)
    return failed ? EXIT.problem : EXIT.ok
  },
}

/** What the rules can't see: whether what listeners terminate TLS with, and bridges show, can be used. */
async function withFiles(loaded: Loaded, path: string, io: VerbIo): Promise<Loaded> {
  const { config } = loaded
  if (!config) return loaded
  const ofListeners = config.listeners.some(({ tls, proxyClientCert }) => tls ?? proxyClientCert)
  if (!ofListeners && !config.routes.some(({ forward }) => forward.tls)) return loaded
  const { tlsFaults } = await import('./check-tls.ts')
  return withFaults(loaded, await tlsFaults(config, io.env), path)
}

/** As the operator named it, so that the place can be clicked where it was typed. */
function shownName(path: string, file: string, io: VerbIo): string {
  return isAbsolute(file) ? path : relative(io.cwd, path) || file
}

function writeText(loaded: Loaded, file: string, plan: boolean, io: VerbIo): void {
  const { config, problems, text } = loaded
  io.stderr.write(formatProblems(problems, text))
  const errors = problems.filter(({ severity }) => severity === 'error').length
  const warnings = problems.length - errors
  if (problems.length > 0) io.stderr.write(`\n${file}: ${count(errors, 'error')}, ${count(warnings, 'warning')}\n`)
  if (!config) return
  if (plan) io.stdout.write(formatPlan(config, io.env))
  else
    io.stdout.write(
      `${file}: ${count(config.listeners.length, 'listener')}, ${count(config.routes.length, 'route')}, fit to run\n`,
    )
}

const count = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`

function writeJson(loaded: Loaded, plan: boolean, io: VerbIo): void {
  const { config, problems } = loaded
  const out = { ok: config !== undefined, problems, ...(plan && config ? { plan: planOf(config, io.env) } : {}) }
  io.stdout.write(`${JSON.stringify(out, null, 2)}\n`)
}
