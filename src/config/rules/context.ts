import type { AnyCheckKind } from '../../core/check.ts'
import type { SecretRef } from '../../core/secret.ts'
import type { Draft } from '../draft.ts'
import type { Fault, Path } from '../fault.ts'
import type { ResolvedSecret } from '../secrets.ts'
import type { FileShape } from '../shape.ts'

export type DraftFile = Draft<FileShape>

/** What a rule may know besides the values that were read. */
export interface RuleContext {
  readonly kinds: readonly AnyCheckKind[]
  readonly env: NodeJS.ProcessEnv
  /** Absolute; what paths in the file are relative to. */
  readonly folder: string
  /** Epoch milliseconds. */
  readonly now: number
  /** To be told the absolute path of each file that is about to be looked at. */
  note(file: string): void
  /** Whether a secret is there, and can be what was meant. */
  secret(ref: SecretRef): ResolvedSecret
  /** The value as it stands in the YAML. */
  at(path: Path): unknown
}

/** Finds what no single value shows. It sees the readable parts of a file that may have other faults. */
export type Rule = (file: DraftFile, context: RuleContext) => Iterable<Fault>
