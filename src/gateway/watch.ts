import { createHash } from 'node:crypto'
import { type FSWatcher, readdirSync, readFileSync, statSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/** Milliseconds to wait for an editor or a secret mount to finish writing. */
const SETTLE_MS = 200
/** Milliseconds between looks, for file systems that report nothing. */
const POLL_MS = 10_000

/**
 * Calls back once a file's content, or the list of a folder's names, has changed. Looks at folders, because editors and
 * mounts replace files.
 */
export class FileWatch {
  readonly #changed: (files: readonly string[]) => void
  #digests = new Map<string, string>()
  #watchers: FSWatcher[] = []
  #settling: NodeJS.Timeout | undefined
  readonly #poll: NodeJS.Timeout

  constructor(changed: (files: readonly string[]) => void) {
    this.#changed = changed
    this.#poll = setInterval(() => this.#look(), POLL_MS)
    this.#poll.unref()
  }

  /** Watches these files, and no others, from now on: each for another content than the given one. */
  set(files: ReadonlyMap<string, string>): void {
    for (const watcher of this.#watchers) watcher.close()
    this.#digests = new Map(files)
    this.#watchers = []
    const whole = new Set([...this.#digests].filter(([, digest]) => digest.startsWith(FOLDER)).map(([file]) => file))
    for (const folder of new Set([...whole, ...[...this.#digests.keys()].map(file => dirname(file))])) {
      try {
        const watcher = watch(folder, { persistent: false }, (_event, name) => {
          // A mount that swaps a link (Kubernetes' ..data) changes files without naming them.
          if (
            whole.has(folder) ||
            name === null ||
            name.startsWith('..') ||
            [...this.#digests.keys()].some(file => basename(file) === name)
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

  close(): void {
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
    for (const [file, before] of this.#digests) {
      const now = digest(file)
      if (now === before) continue
      this.#digests.set(file, now)
      changed.push(file)
    }
    if (changed.length > 0) this.#changed(changed)
  }
}

/** What `FileWatch.set` takes: the files as they are now. */
export function digests(files: Iterable<string>): Map<string, string> {
  return new Map([...files].map(file => [file, digest(file)]))
}

const FOLDER = 'folder '

function digest(file: string): string {
  try {
    if (statSync(file).isDirectory()) return FOLDER + readdirSync(file).toSorted().join('/')
    return createHash('sha256').update(readFileSync(file)).digest('base64')
  } catch {
    return 'absent'
  }
}
