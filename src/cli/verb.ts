/** One command of the program: `sallyport NAME ...`. */
export interface Verb {
  readonly name: string
  /** One sentence, for the list of commands: `Checks a config.` */
  readonly summary: string
  /** What follows the name: `FILE [--plan]`. */
  readonly usage: string
  /** Whole command lines; at least two. */
  readonly examples: readonly string[]
  /** As `parseArgs` of node:util takes them, with the text that `--help` shows. */
  readonly options: Readonly<Record<string, VerbOption>>
  /** Pairs of options that contradict each other, or of which one would be idle. */
  readonly apart?: readonly (readonly [string, string])[]
  /** Of a verb whose first argument says what to do: the options of each. */
  readonly actions?: Readonly<Record<string, readonly string[]>>
  /** @returns the exit code: 0 as asked, 1 a problem was found, 2 wrong usage. */
  run(args: VerbArgs, io: VerbIo): Promise<number>
}

export interface VerbOption {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly multiple?: boolean
  readonly description: string
}

export interface VerbArgs {
  readonly values: Readonly<Record<string, string | boolean | readonly (string | boolean)[] | undefined>>
  readonly positionals: readonly string[]
}

/** The world of one command, handed in so that tests can read what it prints. */
export interface VerbIo {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly stderr: { write(text: string): unknown }
  readonly env: NodeJS.ProcessEnv
  /** Absolute. */
  readonly cwd: string
  /** Told when a gate has started, or has a long start before it: what the launcher held back for the start's sake may go on (bin/bundle.js). */
  started?(): void
}

export const EXIT = { ok: 0, problem: 1, usage: 2 } as const

/** Says what is wrong with the command line, and where its help is. */
export function wrongUsage(io: VerbIo, verb: Pick<Verb, 'name' | 'usage'>, message: string): number {
  io.stderr.write(
    `sallyport ${verb.name}: ${message}\nusage: ${`sallyport ${verb.name} ${verb.usage}`.trimEnd()}\nhelp: sallyport ${verb.name} --help\n`,
  )
  return EXIT.usage
}
