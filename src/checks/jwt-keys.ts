import { Offline, type Resources } from '../core/resources.ts'
import { type NamedSecret, nameOfSecret, type Secret } from '../core/secret.ts'
import { readJwkSet } from '../signing/jwk-set.ts'
import { type JwsKey, JwsKeys, KeyFault, keyFromPem, keyFromSecret } from '../signing/jws-keys.ts'
import type { JwtConfig } from './jwt-config.ts'

/** The keys that a `jwt` check verifies with, from wherever the config says. @throws Offline */
export function loadKeys(config: JwtConfig, resources: Resources): JwsKeys {
  const { algorithms, jwks } = config
  if (jwks !== undefined) {
    const keys = readJwkSet(resources.file(jwks.file), algorithms)
    if (keys instanceof KeyFault) throw new Offline(`the key set ${jwks.file} ${keys.message}`, keys.mend)
    return keys
  }
  if (config.keys !== undefined)
    return load(config.keys, resources, (secret, naming) => keyFromPem(secret.text(), algorithms, naming))
  const { encoding } = config
  return load(config.secrets ?? [], resources, (secret, naming) => {
    const bytes = encoding === 'text' ? secret.bytes() : decode(secret.text(), encoding)
    return bytes === undefined
      ? new KeyFault(`is not ${encoding}`, 'set encoding to how it is written, or write it so')
      : keyFromSecret(bytes, algorithms, naming)
  })
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

/** With or without padding; `undefined` where it is written otherwise. */
function decode(text: string, encoding: 'base64' | 'base64url' | 'hex'): Buffer | undefined {
  const bytes = Buffer.from(text, encoding)
  const bare = text.replace(/=+$/, '')
  const again = bytes.toString(encoding).replace(/=+$/, '')
  return again === (encoding === 'hex' ? bare.toLowerCase() : bare) ? bytes : undefined
}
