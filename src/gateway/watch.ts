import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, type FSWatcher, openSync, readdirSync, readSync, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'
import { isOutOfDescriptors } from '../core/descriptors.ts'

/** Milliseconds to wait for an editor or a secret mount to finish writing. */
const SETTLE_MS = 200
/** Milliseconds between looks, for file systems that report nothing. */
const POLL_MS = 10_000
/** Milliseconds within which two writings may have the same time: file systems count coarsely. */
const SAME_TIME_MS = 2000
/** Bytes of a file read at once: one of a million tokens is no load on memory, nor on who collects it. */
const PIECE_BYTES = 1024 * 1024

/** A file or a folder as it was when it was looked at. */
export interface Seen {
  /** Of what it holds. */
  readonly digest: string
  /** What the file system tells of it, where no writing after it can leave that as it is. */
  readonly mark: string | undefined
}

/**
 * Calls back once a file's content, or the list of a folder's names, has changed. Looks at folders, because editors and
 * mounts replace files.
 */
export class FileWatch {
  readonly #changed: (files: readonly string[]) => void
  #seen = new Map<string, Seen>()
  #watchers: FSWatcher[] = []
  #settling: NodeJS.Timeout | undefined
  #closed = false
  readonly #poll: NodeJS.Timeout

  constructor(changed: (files: readonly string[]) => void) {
    this.#changed = changed
    this.#poll = setInterval(() => this.#look(), POLL_MS)
    this.#poll.unref()
  }

  /** Watches these files, and no others, from now on: each for another content than it was seen with. */
  set(files: ReadonlyMap<string, Seen>): void {
    if (this.#closed) return
    for (const watcher of this.#watchers) watcher.close()
    this.#seen = new Map(files)
    this.#watchers = []
    const whole = new Set([...this.#seen].filter(([, { digest }]) => digest.startsWith(FOLDER)).map(([file]) => file))
    for (const folder of new Set([...whole, ...[...this.#seen.keys()].map(file => dirname(file))])) {
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => {
          // A mount that swaps a link (Kubernetes' ..data) changes files without naming them.
          if (
            whole.has(folder) ||
            name === null ||
            name.startsWith('..') ||
            [...this.#seen.keys()].some(file => basename(file) === name)
          )
            this.#soon()
        })
        watcher.on('error', () => watcher.close())
        this.#watchers.push(watcher)
      } catch {
        // The folder is not there yet: the poll sees it come.
      }
    }
  }

  /** Watches these as well. */
  add(files: ReadonlyMap<string, Seen>): void {
    this.set(new Map([...files, ...this.#seen]))
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#poll)
    clearTimeout(this.#settling)
    for (const watcher of this.#watchers) watcher.close()
  }

  #soon(): void {
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#look(), SETTLE_MS)
  }

  #look(): void {
    const changed: string[] = []
    for (const [file, before] of this.#seen) {
      const now = see(file, before)
      if (now === before) continue
      this.#seen.set(file, now)
      if (now.digest !== before.digest) changed.push(file)
    }
    if (changed.length > 0) this.#changed(changed)
  }
}

/** Files as they were before they were read: what is written into one from then on is found to differ. */
export class SeenFiles {
  /** By absolute path. */
  readonly all = new Map<string, Seen>()
  /** To be called before a file is read, or a folder is listed, with its absolute path. */
  readonly note = (file: string): void => {
    if (!this.all.has(file)) this.all.set(file, see(file))
  }
}

const FOLDER = 'folder '
/** What stands in a pipe is not looked at: to read it is to wait for who writes to it. */
const PIPE: Seen = { digest: 'pipe', mark: undefined }
const ABSENT: Seen = { digest: 'absent', mark: undefined }

/**
 * A file as it is now. It is read only where it may be another than before, since files may be large, and requests wait
 * meanwhile.
 *
 * @param now epoch milliseconds
 * @returns `before` itself where the file system tells that nothing was written
 */
export function see(file: string, before?: Seen, now = Date.now()): Seen {
  try {
    const stats = statSync(file, { bigint: true })
    if (stats.isDirectory()) return { digest: FOLDER + readdirSync(file).toSorted().join('/'), mark: undefined }
    if (stats.isFIFO()) return PIPE
    const mark = markOf(stats, now)
    if (before !== undefined && mark !== undefined && mark === before.mark) return before
    return { digest: digest(file), mark }
  } catch (error) {
    // It is there, perhaps as it was: the next look, with a descriptor to read it by, tells.
    return before !== undefined && isOutOfDescriptors(error) ? before : ABSENT
  }
}

/** The time of the last change of the file itself, which no program sets, tells of what a set time of writing hides. */
function markOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats, now: number): string | undefined {
  const latest = mtimeNs > ctimeNs ? mtimeNs : ctimeNs
  if (now - Number(latest / 1_000_000n) < SAME_TIME_MS) return undefined
  return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

function digest(file: string): string {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const descriptor = openSync(file, 'r')
  try {
    for (;;) {
      const length = readSync(descriptor, piece)
      if (length === 0) return hash.digest('base64')
      hash.update(piece.subarray(0, length))
    }
  } finally {
    closeSync(descriptor)
  }
}
