import { RemoteFault } from '../core/remote.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { type NamedSecret, nameOfSecret, type Secret } from '../core/secret.ts'
import { readJwkSet } from '../signing/jwk-set.ts'
import { type JwsKey, JwsKeys, KeyFault, keyFromPem, keyFromSecret } from '../signing/jws-keys.ts'
import type { JwtConfig } from './jwt-config.ts'

/** The keys of an issuer, as they are now. */
export interface KeySource {
  /** `undefined` where no copy of a published set is there, or the last good one is too old. */
  current(): JwsKeys | undefined
  /** Asks the issuer anew, where it has not been asked just now. */
  refresh(): Promise<JwsKeys | undefined>
  /** Why there are none. */
  readonly because: string
}

const EVERY_MS = 3_600_000
const STALE_MS = 86_400_000
/** Milliseconds in which tokens with unknown keys fetch a set once. */
const COOLDOWN_MS = 30_000
const SET_BYTES = 256 * 1024
const DEADLINE_MS = 5_000

/** The keys that a `jwt` check verifies with, from wherever the config says. @throws Offline */
export function loadKeys(config: JwtConfig, resources: Resources): KeySource {
  const { algorithms, jwks } = config
  if (jwks?.url !== undefined) return published(jwks.url, jwks, algorithms, resources)
  if (jwks?.file !== undefined) {
    const keys = readJwkSet(resources.file(jwks.file), algorithms)
    if (keys instanceof KeyFault) throw new Offline(`the key set ${jwks.file} ${keys.message}`, keys.mend)
    return fixed(keys)
  }
  if (config.keys !== undefined)
    return fixed(load(config.keys, resources, (secret, naming) => keyFromPem(secret.text(), algorithms, naming)))
  const { encoding } = config
  const keys = load(config.secrets ?? [], resources, (secret, naming) => {
    const bytes = readSecret(secret, encoding)
    return bytes === undefined
      ? new KeyFault(`is not ${encoding}`, 'set encoding to how it is written, or write it so')
      : keyFromSecret(bytes, algorithms, naming)
  })
  return fixed(keys)
}

const fixed = (keys: JwsKeys): KeySource => ({ current: () => keys, refresh: async () => keys, because: '' })

function published(
  url: string,
  { every = EVERY_MS, 'max-stale': stale = STALE_MS }: NonNullable<JwtConfig['jwks']>,
  algorithms: JwtConfig['algorithms'],
  { remote, clock }: Resources,
): KeySource {
  const set = remote(url, {
    parse: bytes => {
      const keys = readJwkSet(bytes, algorithms)
      return keys instanceof KeyFault ? new RemoteFault(keys.message, keys.mend) : keys
    },
    without: 'every token is refused (503)',
    every,
    cooldown: COOLDOWN_MS,
    maxBytes: SET_BYTES,
    deadline: DEADLINE_MS,
  })
  const fresh = (): JwsKeys | undefined =>
    clock.now() - (set.confirmedAt() ?? Number.NEGATIVE_INFINITY) <= stale ? set.current() : undefined
  return {
    current: fresh,
    refresh: async () => {
      await set.refresh()
      return fresh()
    },
    get because() {
      const fault = set.fault()
      return `${url} ${fault === undefined ? 'has not been fetched yet' : fault.message}`
    },
  }
}

function load(
  named: readonly NamedSecret[],
  resources: Resources,
  make: (secret: Secret, naming: { readonly name: string; readonly expires: number | undefined }) => JwsKey | KeyFault,
): JwsKeys {
  const keys = named.map((each, index) => {
    const name = nameOfSecret(each, index)
    const key = make(resources.secret(each.ref), { name, expires: each.expires })
    if (key instanceof KeyFault) throw new Offline(`the key "${name}" (${each.ref}) ${key.message}`, key.mend)
    if (each.expires !== undefined)
      resources.expires({ kind: 'secret', name: `${resources.route}/jwt/${name}`, at: each.expires })
    return key
  })
  return new JwsKeys(keys)
}

/** The key's bytes; `undefined` where the secret is not written so. */
export function readSecret(secret: Secret, encoding: JwtConfig['encoding']): Buffer | undefined {
  return encoding === 'text' ? secret.bytes() : decode(secret.text(), encoding)
}

/** With or without padding; `undefined` where it is written otherwise. */
function decode(text: string, encoding: 'base64' | 'base64url' | 'hex'): Buffer | undefined {
  const bytes = Buffer.from(text, encoding)
  const bare = text.replace(/=+$/, '')
  const again = bytes.toString(encoding).replace(/=+$/, '')
  return again === (encoding === 'hex' ? bare.toLowerCase() : bare) ? bytes : undefined
}
