import { write, writeSync } from 'node:fs'

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

const DEFAULTS: SinkOptions = { batch: 16_384, wait: 100, held: 16_777_216, patience: 1_000 }
const AGAIN_MS = 20

/**
 * Batched writes to a file descriptor. The event loop never waits for the reader: a stalled one costs lines, not
 * requests, and one that has gone ends the writing. What is held is written on exit and on a crash.
 */
export function createSink(fd: number, given: Partial<SinkOptions> = {}): Sink {
  const { batch, wait, held, patience } = { ...DEFAULTS, ...given }
  let pending = ''
  let writing = false
  let gone = false
  let dropped = 0
  let armed = true
  const timer = setTimeout(due, wait).unref()

  function due(): void {
    armed = false
    if (!writing && pending !== '') start()
  }

  function start(): void {
    const chunk = Buffer.from(pending)
    pending = ''
    writing = true
    put(chunk)
  }

  function put(chunk: Buffer): void {
    write(fd, chunk, (error, written) => {
      if (error) {
        // The reader of a non-blocking pipe is behind: what was not taken stays first in line.
        if (error.code === 'EAGAIN') setTimeout(put, AGAIN_MS, chunk).unref()
        else end()
      } else if (written < chunk.length) put(chunk.subarray(written))
      else {
        writing = false
        if (pending.length > batch) start()
        else if (pending !== '') arm()
      }
    })
  }

  function end(): void {
    gone = true
    writing = false
    pending = ''
  }

  function arm(): void {
    if (armed) return
    armed = true
    timer.refresh()
  }

  function flush(): void {
    let rest = Buffer.from(pending)
    pending = ''
    const deadline = performance.now() + patience
    while (rest.length > 0 && !gone) {
      try {
        rest = rest.subarray(writeSync(fd, rest))
      } catch (error) {
        const again = error instanceof Error && 'code' in error && error.code === 'EAGAIN'
        if (!again || performance.now() > deadline) end()
        else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS)
      }
    }
  }

  process.on('exit', flush)
  return {
    write(text) {
      if (gone || pending.length + text.length > held) {
        dropped++
        return
      }
      pending += text
      if (writing) return
      if (pending.length > batch) start()
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

/** Lines to a stream, each at once; what the stream holds is the stream's. */
export function streamSink(stream: { write(text: string): unknown }): Sink {
  return {
    write: text => void stream.write(text),
    flush: () => undefined,
    dropped: 0,
    close: () => undefined,
  }
}
