import type { Socket } from 'node:net'
import { withTime } from './clock.ts'

/** Takes what was read from a connection: the bytes of `buffer` from `from` to `end`, which are its own until it returns. */
export type Reader = (buffer: Buffer, from: number, end: number) => void

/** At most so many reads, and writes, are kept for each other. */
const TOGETHER = 64
/** Larger reads are handled at once: copying them costs more than it saves. */
const SMALL_BYTES = 4 * 1024

/** What was read of one kind and is not handled yet. */
class Reads {
  // Never made shorter: they would be made anew in each turn.
  readonly #readers: (Reader | undefined)[] = []
  readonly #buffers: (Buffer | undefined)[] = []
  /** Begin and end of each. */
  readonly #ranges: number[] = []
  #added = 0
  /** The first that is not handled yet. */
  #next = 0

  get size(): number {
    return this.#added - this.#next
  }

  add(read: Reader, buffer: Buffer, from: number, end: number): void {
    const at = this.#added++
    this.#readers[at] = read
    this.#buffers[at] = buffer
    this.#ranges[at * 2] = from
    this.#ranges[at * 2 + 1] = end
  }

  handle(): void {
    // Whoever is called may call this.
    while (this.#next < this.#added) {
      const at = this.#next++
      const read = this.#readers[at]
      const buffer = this.#buffers[at]
      this.#readers[at] = undefined
      this.#buffers[at] = undefined
      if (buffer !== undefined) read?.(buffer, this.#ranges[at * 2] ?? 0, this.#ranges[at * 2 + 1] ?? 0)
    }
    this.#added = 0
    this.#next = 0
  }
}

const room = Buffer.allocUnsafeSlow(TOGETHER * SMALL_BYTES)
let roomUsed = 0
const reads = { answers: new Reads(), requests: new Reads() }
let handling = false

const corked: Socket[] = []
let writing: NodeJS.Immediate | undefined

/**
 * Hands over what was read from a connection, together with what is read from others in this turn of the event loop, and
 * in that order. All reads first, then all that is made of them, then all writes: each finds its code and data in the
 * processor's caches, and one that wakes the other end of a connection wakes it for several.
 *
 * @param length of what was read, from the buffer's begin on
 * @param borrowed whether the buffer will be written over when this returns
 */
export function readTogether(
  what: keyof typeof reads,
  read: Reader,
  buffer: Buffer,
  length: number,
  borrowed: boolean,
): void {
  if (reads.answers.size + reads.requests.size >= TOGETHER) handleReads()
  if (!borrowed) reads[what].add(read, buffer, 0, length)
  else if (length > SMALL_BYTES) {
    handleReads()
    read(buffer, 0, length)
    return
  } else {
    buffer.copy(room, roomUsed, 0, length)
    reads[what].add(read, room, roomUsed, roomUsed + length)
    roomUsed += length
  }
  if (handling) return
  handling = true
  setImmediate(handleInTurn)
  // Behind what is made of the reads, and what follows from that: what came before a request is no answer to it.
  clearImmediate(writing)
  writing = setImmediate(uncorkAll)
}

/** Hands over what was read and waits: for whoever learns something of a connection that came behind its bytes. */
export function handleReads(): void {
  reads.answers.handle()
  reads.requests.handle()
  roomUsed = 0
}

function handleInTurn(): void {
  handling = false
  try {
    withTime(handleReads)
  } finally {
    if (reads.answers.size + reads.requests.size > 0) setImmediate(handleInTurn)
  }
}

/** Writes a small piece together with what goes to others in this turn, before all that is written to this socket later. */
export function writeTogether(socket: Socket, piece: Buffer | string): void {
  if (corked.length >= TOGETHER) uncorkAll()
  socket.cork()
  corked.push(socket)
  if (typeof piece === 'string') socket.write(piece, 'latin1')
  else socket.write(piece)
  writing ??= setImmediate(uncorkAll)
}

function uncorkAll(): void {
  clearImmediate(writing)
  writing = undefined
  for (const socket of corked) socket.uncork()
  corked.length = 0
}
