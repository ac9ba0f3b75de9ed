import { isatty } from 'node:tty'
import { pino } from 'pino'
import { type Clock, systemClock } from '../core/clock.ts'
import { type Fields, plainFields } from './fields.ts'
import { prettyLine } from './pretty.ts'
import { createSink, type Sink, stdoutDescriptor, streamSink } from './sink.ts'
import { escapeDeceptive } from './text.ts'
import { timestamp } from './timestamp.ts'

export type Level = 'info' | 'warn' | 'error'

export interface Log {
  info(msg: string, fields?: Fields): void
  warn(msg: string, fields?: Fields): void
  error(msg: string, fields?: Fields): void
  /** Whether lines of this level are written. */
  writes(level: Level): boolean
  /** Writes one finished JSON line, its line feed included, whatever its level: for what is too hot for fields. */
  line(json: string): void
  /** Writes finished JSON lines that another thread has made. */
  lines(json: string): void
  /** Writes what is held; returns when it is written, or after a second where the reader stalls. */
  flush(): void
  /** Lines that could not be written because the reader stalled or has gone. */
  dropped(): number
  /** Flushes and lets go of the destination. */
  close(): void
}

export interface LogOptions {
  readonly destination?: 'stdout' | { write(text: string): unknown }
  /** One aligned line for a person instead of JSON. Default: whether stdout is a terminal and is the destination. */
  readonly pretty?: boolean
  /** The lowest level written. Default `info`. */
  readonly level?: Level | 'silent'
  readonly clock?: Clock
}

const RANK = { info: 30, warn: 40, error: 50, silent: 99 }
const STDOUT = 1

/**
 * JSON lines: `level` as text, `time` in ISO 8601, `msg`, then the fields. Writes are batched (16 KiB or 100 ms), and
 * made whole on exit and on a crash. No text, whoever wrote it, can break a line or drive a terminal.
 */
export function createLog(options: LogOptions = {}): Log {
  const { destination = 'stdout', level = 'info', clock = systemClock } = options
  const pretty = options.pretty ?? (destination === 'stdout' && isatty(STDOUT))
  const sink =
    destination === 'stdout' ? createSink(stdoutDescriptor(), pretty ? { batch: 0 } : {}) : streamSink(destination)
  const line: Sink['write'] = pretty ? json => sink.write(prettyLine(json)) : sink.write
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"time":"${timestamp(clock.now())}"`,
      formatters: { level: label => ({ level: label }) },
    },
    { write: json => line(escapeDeceptive(json)) },
  )
  // The message is a field, and not pino's last argument, so that it stands before the others.
  return {
    info: (msg, fields) => logger.info(fields === undefined ? { msg } : { msg, ...plainFields(fields) }),
    warn: (msg, fields) => logger.warn(fields === undefined ? { msg } : { msg, ...plainFields(fields) }),
    error: (msg, fields) => logger.error(fields === undefined ? { msg } : { msg, ...plainFields(fields) }),
    writes: asked => RANK[asked] >= RANK[level],
    line,
    lines: json => {
      for (let at = 0; at < json.length; ) {
        const end = json.indexOf('\n', at) + 1 || json.length
        line(json.slice(at, end))
        at = end
      }
    },
    flush: () => sink.flush(),
    dropped: () => sink.dropped,
    close: () => sink.close(),
  }
}
