import { closeSync, openSync } from 'node:fs'
import type { Clock } from '../core/clock.ts'
import { isOutOfDescriptors } from '../core/descriptors.ts'
import type { Log } from '../observe/log.ts'
import { descriptorLimit, RAISE_DESCRIPTORS } from './descriptors.ts'

const LOOK_MS = 1_000
/** There must have been room for so long before it is told of as over: whoever waits takes what gets free. Milliseconds. */
const OVER_MS = 10_000
/** While it goes on it is told again so often. Milliseconds. */
const AGAIN_MS = 600_000
const RAISE_OF_HOST = 'Raise fs.file-max of the host (sysctl), or end what else holds files open there.'

/**
 * Tells when no file descriptor is left. The system's library then closes what comes to a listener unanswered, so that no
 * loop spins over it, and tells nobody.
 */
export class DescriptorWatch {
  readonly #log: Log
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #open: () => void
  #timer: NodeJS.Timeout | undefined
  #toldAt: number | undefined
  #shortAt = 0

  /** @param open opens something and closes it; throws as the system does */
  constructor(log: Log, clock: Pick<Clock, 'monotonic'>, open = openAndClose) {
    this.#log = log
    this.#clock = clock
    this.#open = open
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  look(): void {
    const now = this.#clock.monotonic()
    const code = this.#shortage()
    if (code !== undefined) {
      this.#shortAt = now
      if (this.#toldAt !== undefined && now - this.#toldAt < AGAIN_MS) return
      this.#toldAt = now
      const ofProcess = code === 'EMFILE'
      this.#log.error('out of file descriptors', {
        code,
        ...(ofProcess ? { limit: descriptorLimit() } : {}),
        effect: 'new connections are closed unanswered, and none to an upstream can be opened',
        remedy: ofProcess ? RAISE_DESCRIPTORS : RAISE_OF_HOST,
      })
    } else if (this.#toldAt !== undefined && now - this.#shortAt >= OVER_MS) {
      this.#toldAt = undefined
      this.#log.info('file descriptors again')
    }
  }

  #shortage(): string | undefined {
    try {
      this.#open()
      return undefined
    } catch (error) {
      return isOutOfDescriptors(error) ? error.code : undefined
    }
  }
}

function openAndClose(): void {
  closeSync(openSync('/dev/null', 'r'))
}
