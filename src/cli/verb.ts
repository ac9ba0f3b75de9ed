/** One verb of the command line: `sallyport NAME ...`. */
export interface Verb {
  readonly name: string
  /** One line for `sallyport --help`. */
  readonly summary: string
  /** What follows the verb's name, e.g. `FILE [--plan]`. */
  readonly usage: string
  /** Whole command lines, at least two. */
  readonly examples: readonly string[]
  /** As node:util's parseArgs takes them, with a description. */
  readonly options: Readonly<Record<string, VerbOption>>
  /** Exit codes: 0 done, 1 a problem was found or the thing failed, 2 wrong usage. */
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

export interface VerbIo {
  readonly stdout: { write(text: string): unknown; readonly isTTY?: boolean; readonly columns?: number }
  readonly stderr: { write(text: string): unknown }
  readonly env: NodeJS.ProcessEnv
  readonly cwd: string
}
