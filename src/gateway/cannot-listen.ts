import { dirname } from 'node:path'
import type { Bind } from '../config/model.ts'

/** An address can't be had. `code` is the system's, e.g. EADDRINUSE. */
export class CannotListen extends Error {
  override readonly name = 'CannotListen'
  readonly bind: Bind
  readonly code: string | undefined
  readonly mend: string | undefined

  constructor(message: string, bind: Bind, code: string | undefined) {
    super(message)
    this.bind = bind
    this.code = code
    this.mend = mendOf(bind, code)
  }

  /** What `listen` failed with. */
  static of(error: unknown, bind: Bind): CannotListen {
    if (error instanceof CannotListen) return error
    if (!(error instanceof Error)) return new CannotListen(String(error), bind, undefined)
    return new CannotListen(error.message, bind, (error as NodeJS.ErrnoException).code)
  }
}

function mendOf(bind: Bind, code: string | undefined): string | undefined {
  if (code === 'EADDRINUSE') return 'another program has the address; stop it, or change bind'
  if (code !== 'EACCES') return undefined
  // Of a Unix socket libuv says so where the folder is missing, too.
  if ('unix' in bind) return `make the folder ${dirname(bind.unix)}, and let the gate's user write into it`
  return 'ports below 1024 need the capability CAP_NET_BIND_SERVICE'
}

/** Whether two addresses can't both be listened on. */
export function isOneAddress(a: Bind, b: Bind): boolean {
  if ('unix' in a || 'unix' in b) return 'unix' in a && 'unix' in b && a.unix === b.unix
  return a.port === b.port && (a.host === b.host || isEvery(a.host) || isEvery(b.host))
}

const isEvery = (host: string): boolean => host === '0.0.0.0' || host === '::'
