/** A certificate, key, CA or CRL that can't be used as configured. */
export class TlsProblem extends Error {
  override readonly name = 'TlsProblem'
  /** What to do about it. */
  readonly mend: string
  constructor(message: string, mend: string) {
    super(message)
    this.mend = mend
  }
}
