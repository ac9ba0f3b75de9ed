import { parseArgs } from 'node:util'
import { misfit, type Typed } from './misfit.ts'
import type { Verb, VerbOption } from './verb.ts'
import { version } from './version.ts'

/** Loaded one at a time: `run` must not wait for what only `certs` needs. */
export const VERBS: Readonly<Record<string, () => Promise<Verb>>> = {
  run: async () => (await import('./run.ts')).run,
  check: async () => (await import('./check.ts')).check,
  explain: async () => (await import('./explain.ts')).explain,
  schema: async () => (await import('./schema.ts')).schema,
  doctor: async () => (await import('./doctor.ts')).doctor,
  certs: async () => (await import('./certs.ts')).certs,
  send: async () => (await import('./send.ts')).send,
  secret: async () => (await import('./secret.ts')).secret,
  providers: async () => (await import('./providers.ts')).providers,
  demo: async () => (await import('./demo.ts')).demo,
}

/** The list of verbs. */
export async function overview(): Promise<string> {
  const verbs = await Promise.all(Object.values(VERBS).map(load => load()))
  const lines = verbs.map(verb => `  ${verb.name.padEnd(10)} ${verb.summary}`)
  return `sallyport ${version()}: the gate in front of your CRM's webhooks\n\nusage: sallyport VERB [...]\n\n${lines.join('\n')}\n\nsallyport VERB --help tells more, with examples.\n`
}

/** What `--help` of a verb prints. */
export function help(verb: Verb): string {
  const options: [string, VerbOption][] = Object.entries(verb.options)
  options.push(['help', { type: 'boolean', short: 'h', description: 'This page.' }])
  const lines = options.map(([name, option]) => {
    const flag = `--${name}${option.type === 'string' ? ` ${name.replace(/^.*-/, '').toUpperCase()}` : ''}`
    return `  ${flag.padEnd(24)} ${option.description}`
  })
  const examples = verb.examples.map(example => `  ${example}`)
  return `${verb.summary}\n\nusage: ${`sallyport ${verb.name} ${verb.usage}`.trimEnd()}\n\n${lines.join('\n')}\n\nexamples:\n${examples.join('\n')}\n`
}

/** 128 and SIGPIPE, as a shell says of other programs. */
const READER_GONE = 141

/** A reader that has seen enough, such as head, ends a command without a word; a gate goes on without its output. */
function endWithReader(isGate: boolean): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      if (!isGate) process.exit(READER_GONE)
    })
}

/** What is wrong with a command line, and its mend: of an option that is not known, the nearest that is. */
async function whyUnfit({ message }: Error, options: readonly string[], verb: string): Promise<string> {
  const unknown = /^Unknown option '(--?[^']*)'/.exec(message)?.[1]
  if (unknown === undefined) return `${message}\nmend: sallyport ${verb} --help`
  const { nearest } = await import('../config/nearest.ts')
  const near = unknown.startsWith('--') ? nearest(unknown.slice(2), options) : undefined
  const mend = near === undefined ? `sallyport ${verb} --help tells which there are` : `did you mean --${near}?`
  return `there is no option ${unknown}\nmend: ${mend}`
}

/**
 * Runs one command line; gives the exit code.
 * @param started is told when a gate has started, and of any other verb when it is loaded
 */
export async function main(argv: readonly string[], started: () => void = () => undefined): Promise<number> {
  const [name = '', ...rest] = argv
  endWithReader(name === 'run')
  if (name === '--version' || name === '-v') {
    process.stdout.write(`${version()}\n`)
    return 0
  }
  const asked = name === 'help' ? VERBS[rest[0] ?? ''] : undefined
  if (asked !== undefined) {
    process.stdout.write(help(await asked()))
    return 0
  }
  if (name === '' || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(await overview())
    return name === '' ? 2 : 0
  }
  const load = VERBS[name]
  if (load === undefined) {
    process.stderr.write(`sallyport: unknown verb "${name}"\nmend: one of ${Object.keys(VERBS).join(', ')}\n`)
    return 2
  }
  const verb = await load()
  if (name !== 'run') started()
  let args: ReturnType<typeof parseArgs>
  const typed: Typed[] = []
  try {
    const options = Object.fromEntries(
      Object.entries(verb.options).map(([key, { type, short, multiple }]) => [
        key,
        { type, ...(short === undefined ? {} : { short }), ...(multiple === undefined ? {} : { multiple }) },
      ]),
    )
    const parsed = parseArgs({
      args: [...rest],
      options: { ...options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      tokens: true,
    })
    args = parsed
    for (const token of parsed.tokens) if (token.kind === 'option') typed.push({ name: token.name, value: token.value })
  } catch (error) {
    process.stderr.write(`sallyport ${name}: ${await whyUnfit(error as Error, Object.keys(verb.options), name)}\n`)
    return 2
  }
  if (args.values.help === true) {
    process.stdout.write(help(verb))
    return 0
  }
  const unmeant = misfit(verb, typed, args.positionals[0])
  if (unmeant) {
    process.stderr.write(`sallyport ${name}: ${unmeant.message}\nmend: ${unmeant.mend}\n`)
    return 2
  }
  const { stdout, stderr, env } = process
  return verb.run(args, { stdout, stderr, env, cwd: process.cwd(), started })
}
