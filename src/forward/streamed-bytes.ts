import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes after which the memory of what has streamed by is given back. */
const EVERY = 8 * 1024 * 1024

type Collect = (how: { readonly type: 'minor' }) => void

let bytes = 0
let collect: Collect | undefined

/**
 * Counts bytes that were passed on. Each piece is a small object over a large buffer: V8, which sees the small objects,
 * would let some 64 MiB of dead buffers gather before it looks. A minor collection takes less than a millisecond.
 */
export function streamedBy(count: number): void {
  bytes += count
  if (bytes < EVERY) return
  bytes = 0
  collect ??= collector()
  collect({ type: 'minor' })
}

function collector(): Collect {
  setFlagsFromString('--expose-gc')
  const gc: unknown = runInNewContext('gc')
  return typeof gc === 'function' ? how => gc(how) : () => undefined
}
