import { readFileSync, statSync } from 'node:fs'

/** The code of the error for a pipe, beside those of the system. */
export const IS_PIPE = 'EISPIPE'

/**
 * A file that a config names, whole. A named pipe is refused: reading one waits for whoever writes to it, and the gate,
 * which reads its files anew while it serves, would stand still until then.
 * @throws the system's error, or one with the code `EISPIPE`
 */
export function readNamedFile(path: string): Buffer {
  if (statSync(path).isFIFO()) throw pipeError(path)
  return readFileSync(path)
}

export const pipeError = (path: string): Error => Object.assign(new Error(`${path} is a pipe`), { code: IS_PIPE })
