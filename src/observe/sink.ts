import { writeSync } from 'node:fs'

/** Where finished lines go. */
export interface Sink {
  write(text: string): void
  /** Hands over everything that is held, before it returns. */
  flush(): void
  /** Lines that could not be written, since the start. */
  readonly dropped: number
  /** Flushes, and ends its timer and its exit hook. */
  close(): void
}

export interface SinkOptions {
  /** Characters that are gathered before one write. 0: every line at once. */
  readonly batch: number
  /** Milliseconds that a line waits at most. */
  readonly wait: number
  /** Characters that are held while the reader stalls; lines beyond are dropped and counted. */
  readonly held: number
  /** Milliseconds that `flush` waits for a reader that stalls. */
  readonly patience: number
}

const DEFAULTS: SinkOptions = { batch: 65_536, wait: 100, held: 16_777_216, patience: 1_000 }
const AGAIN_MS = 5
const SLEEP = new Int32Array(new SharedArrayBuffer(4))
const EMPTY = Buffer.alloc(0)

/**
 * Batched writes to a file descriptor, which a pipe's or socket's reader can't hold up where it is non-blocking: one
 * that stalls costs lines, not requests, and one that has gone ends the writing. What is held is written on exit and
 * on a crash. The writes are synchronous, because of one under way in another thread nobody could tell, in a crash, how
 * much has been written.
 */
export function createSink(fd: number, given: Partial<SinkOptions> = {}): Sink {
  const { batch, wait, held, patience } = { ...DEFAULTS, ...given }
  let pending = ''
  // What a full pipe did not take yet.
  let refused: Buffer = EMPTY
  let gone = false
  let dropped = 0
  // How much has to be gathered for the next write, or for the next try where the reader is behind.
  let enough = batch
  let armed = true
  const timer = setTimeout(due, wait).unref()

  function due(): void {
    armed = false
    attempt()
  }

  function arm(): void {
    if (armed) return
    armed = true
    timer.refresh()
  }

  function attempt(): void {
    if (drain()) {
      enough = batch
      return
    }
    enough = pending.length + batch
    if (armed) return
    armed = true
    setTimeout(due, AGAIN_MS).unref()
  }

  /** Writes what the descriptor takes; `false` where it would have to wait. */
  function drain(): boolean {
    while (!gone) {
      if (refused.length === 0 && pending === '') return true
      try {
        if (refused.length > 0) refused = refused.subarray(writeSync(fd, refused))
        else keep(writeSync(fd, pending))
      } catch (error) {
        keep(0)
        const code = error instanceof Error && 'code' in error ? error.code : undefined
        // A full pipe or a full disk may recover; a reader that has gone will not.
        if (code !== 'EPIPE' && code !== 'EBADF') return false
        gone = true
      }
    }
    pending = ''
    refused = EMPTY
    return true
  }

  /** What follows the first `written` bytes of what is pending, as bytes: they are encoded once, however often they are refused. */
  function keep(written: number): void {
    if (refused.length > 0) return
    if (written < Buffer.byteLength(pending)) refused = Buffer.from(pending).subarray(written)
    pending = ''
  }

  function flush(): void {
    const deadline = performance.now() + patience
    while (!drain() && performance.now() < deadline) Atomics.wait(SLEEP, 0, 0, AGAIN_MS)
  }

  process.on('exit', flush)
  return {
    write(text) {
      if (gone || pending.length + text.length > held) {
        dropped++
        return
      }
      pending += text
      if (pending.length > enough) attempt()
      else arm()
    },
    flush,
    get dropped() {
      return dropped
    },
    close() {
      flush()
      clearTimeout(timer)
      process.off('exit', flush)
    },
  }
}

/**
 * The descriptor of stdout, made non-blocking where it is a pipe or a socket: a reader that stalls would else hold a
 * thread, and the end of the process with it.
 */
export function stdoutDescriptor(): number {
  // Node makes the descriptor non-blocking when the stream is first asked for, and undoes it on exit.
  return process.stdout.fd
}

/** Lines to a stream, each at once; what the stream holds is the stream's. */
export function streamSink(stream: { write(text: string): unknown }): Sink {
  return {
    write: text => void stream.write(text),
    flush: () => undefined,
    dropped: 0,
    close: () => undefined,
  }
}
