import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { secretReader } from '../config/secrets.ts'
import type { Clock } from '../core/clock.ts'
import { readNamedFile } from '../core/read-file.ts'
import { type Expiry, Offline, type Resources, type SignedBy } from '../core/resources.ts'
import type { Secret, SecretRef } from '../core/secret.ts'
import type { ClaimStore, RateStore } from '../core/stores.ts'
import type { Log } from '../observe/log.ts'
import type { Held, Remotes } from './remotes.ts'

/** What outlives a reload: limits and claims go on counting. */
export interface State {
  readonly clock: Clock
  readonly rates: RateStore
  readonly claims: ClaimStore
  readonly remotes: Remotes
  readonly log: Log
  /** What checks that only report count and claim; absent: the same as others. */
  readonly reporting?: { readonly rates: RateStore; readonly claims: ClaimStore }
  /** Nothing is written. */
  readonly dry?: boolean
}

/** One loading of one config: hands out secrets and files, and notes what was asked for. */
export class Loading {
  readonly #folder: string
  readonly #resolve: ReturnType<typeof secretReader>
  readonly #state: State
  readonly #note: (file: string) => void
  readonly expiries: Expiry[] = []
  readonly #held: Held<unknown>[] = []

  /**
   * @param folder of the config file: paths are relative to it.
   * @param note is told the absolute path of each file that is about to be read, of each folder that is about to be listed
   */
  constructor(folder: string, env: NodeJS.ProcessEnv, state: State, note: (file: string) => void = () => undefined) {
    this.#folder = folder
    this.#resolve = secretReader(env, folder, note)
    this.#state = state
    this.#note = note
  }

  secret(ref: SecretRef): Secret {
    const { secret, problem } = this.#resolve(ref)
    if (secret) return secret
    throw new Offline(problem?.message ?? `${ref} is missing`, problem?.mend ?? 'Set it, then reload.')
  }

  /** @throws the system's error. */
  read(path: string): Buffer {
    const file = resolve(this.#folder, path)
    this.#note(file)
    return readNamedFile(file)
  }

  /** The names in a folder; `undefined` where the path is no folder. @throws the system's error where it can't be listed. */
  list(path: string): readonly string[] | undefined {
    const folder = resolve(this.#folder, path)
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined
    this.#note(folder)
    return readdirSync(folder)
  }

  /**
   * Waits until every document that this config names has been asked for once, at most so many milliseconds.
   * @param givenUp ends the wait when it resolves
   */
  async settled(ms: number, givenUp?: Promise<undefined>): Promise<void> {
    if (this.#held.length === 0) return
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>(resolve => {
      timer = setTimeout(resolve, ms)
    })
    const ready = Promise.all(this.#held.map(held => held.ready))
    await Promise.race([ready, late, ...(givenUp ? [givenUp] : [])])
    clearTimeout(timer)
  }

  /** Lets go of the documents. */
  close(): void {
    for (const held of this.#held) held.close()
    this.#held.length = 0
  }

  /** @param report for a check that only reports: what it counts and claims is nobody else's */
  resources(route: string, signedBy?: SignedBy, report = false): Resources {
    const { clock, remotes, log, dry, reporting } = this.#state
    const { rates, claims } = (report && reporting) || this.#state
    return {
      route,
      signedBy,
      clock,
      rates,
      claims,
      remote: (url, options) => {
        const held = remotes.hold(url, route, options)
        this.#held.push(held)
        return held.remote
      },
      remoteSet: options => remotes.set(options),
      secret: ref => this.secret(ref),
      file: path => {
        try {
          return this.read(path)
        } catch (error) {
          throw new Offline(
            `the file ${path} can not be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
            'Put it there, readable by the gate: the route comes online by itself.',
          )
        }
      },
      keepSecret: (path, secret) => {
        if (dry) return false
        try {
          writeFileSync(resolve(this.#folder, path), secret.bytes(), { flag: 'wx', mode: 0o600 })
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
          throw error
        }
        log.warn('secret kept', {
          route,
          file: path,
          fingerprint: secret.fingerprint,
          remedy: 'If you did not just set the service up, somebody else did: remove the file and close the window.',
        })
        return true
      },
      hasKept: path => existsSync(resolve(this.#folder, path)),
      expires: expiry => this.expiries.push(expiry),
    }
  }
}
