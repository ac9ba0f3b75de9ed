import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { resolveSecret } from '../config/secrets.ts'
import type { Clock } from '../core/clock.ts'
import { type Expiry, Offline, type Resources } from '../core/resources.ts'
import type { Secret, SecretRef } from '../core/secret.ts'
import type { ClaimStore, RateStore } from '../core/stores.ts'

/** What outlives a reload: limits and claims go on counting. */
export interface State {
  readonly clock: Clock
  readonly rates: RateStore
  readonly claims: ClaimStore
}

/** One loading of one config: hands out secrets and files, and notes what was asked for. */
export class Loading {
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  readonly #state: State
  /** Absolute paths: a change of any reloads the config. */
  readonly files = new Set<string>()
  readonly expiries: Expiry[] = []

  /** @param folder of the config file: paths are relative to it. */
  constructor(folder: string, env: NodeJS.ProcessEnv, state: State) {
    this.#folder = folder
    this.#env = env
    this.#state = state
  }

  secret(ref: SecretRef): Secret {
    if (ref.kind === 'file') this.files.add(resolve(this.#folder, ref.name))
    const { secret, problem } = resolveSecret(ref, this.#env, this.#folder)
    if (secret) return secret
    throw new Offline(problem?.message ?? `${ref} is missing`, problem?.mend ?? 'Set it, then reload.')
  }

  /** @throws the system's error. */
  read(path: string): Buffer {
    const file = resolve(this.#folder, path)
    this.files.add(file)
    return readFileSync(file)
  }

  resources(route: string): Resources {
    return {
      route,
      ...this.#state,
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
      expires: expiry => this.expiries.push(expiry),
    }
  }
}
