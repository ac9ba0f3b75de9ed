import { type Finding, warn } from '../core/finding.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { nameOfKey, nameOfSecret } from '../core/secret.ts'
import { providerOf } from '../signing/index.ts'
import type { SignatureConfig } from './signature-config.ts'
import type { KeysConfig } from './signature-keys.ts'
import { endings } from './token-doctor.ts'

/** Which secrets and keys of a signature end, and which of several are not there. */
export async function* lookAtKeys(config: SignatureConfig, resources: Resources): AsyncGenerator<Finding> {
  const { secrets = [], keys = [] }: KeysConfig = config
  const list = [
    ...secrets.map((each, index) => ({ ...each, name: nameOfSecret(each, index), word: 'secret' })),
    ...keys.map((each, index) => ({ ...each, name: nameOfKey(each, index), word: 'key' })),
  ]
  yield* endings('signature', secrets.length > 0 ? 'secret' : 'key', list, resources.clock.now())
  const provider = 'provider' in config && typeof config.provider === 'string' ? providerOf(config.provider) : undefined
  const form = provider?.secret ?? provider?.publicKey
  for (const { name, word, ref } of list) {
    try {
      resources.secret(ref)
    } catch (error) {
      if (!(error instanceof Offline)) throw error
      yield warn(
        'signature.one-missing',
        `the ${word} "${name}" is not there (${error.message}), and the others verify without it`,
        `take it out where a rotation has ended; else set it.${provider && form ? ` In ${provider.name}: ${form.where}` : ''}`,
      )
    }
  }
}
