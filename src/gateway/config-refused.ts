/** The config can't be taken; what is in force stays. */
export class ConfigRefused extends Error {
  override readonly name = 'ConfigRefused'
}

/** Why nothing is put in force any more. */
export const DRAINING = 'the gate is draining'
