import { Offline } from '../core/resources.ts'
import { SecretFault } from '../signing/provider.ts'
import { EXIT, type VerbIo } from './verb.ts'

/** Why a command can't do what was asked. */
export class VerbFault extends Error {
  override readonly name = 'VerbFault'
  readonly mend: string
  /** `usage` for a command line that can't be meant. */
  readonly kind: 'problem' | 'usage'

  constructor(message: string, mend: string, kind: 'problem' | 'usage' = 'usage') {
    super(message)
    this.mend = mend
    this.kind = kind
  }
}

/** Prints a fault's sentence and mend; gives the exit code. Whatever is a bug is thrown on. */
export function tellFault(io: VerbIo, verb: string, error: unknown): number {
  if (!(error instanceof VerbFault || error instanceof SecretFault || error instanceof Offline)) throw error
  io.stderr.write(`sallyport ${verb}: ${error.message}\nmend: ${error.mend}\n`)
  return error instanceof VerbFault ? EXIT[error.kind] : EXIT.problem
}
