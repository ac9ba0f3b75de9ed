import { z } from 'zod'
import { Offline, type Resources } from '../core/resources.ts'
import { type NamedKey, type NamedSecret, namedKey, namedSecret, nameOfKey, nameOfSecret } from '../core/secret.ts'
import type { KeyFacts } from '../signing/key-form.ts'
import { type Provider, SecretFault } from '../signing/provider.ts'
import type { SigningKey } from '../signing/scheme.ts'
import type { SecretReader } from '../signing/secret-bytes.ts'

const named = <Entry extends NamedSecret>(
  entry: z.ZodType<Entry>,
  word: 'secret' | 'key',
  nameOf: (entry: Entry, index: number) => string,
) =>
  z
    .array(entry)
    .min(1)
    .superRefine((list, context) => {
      const names = list.map(nameOf)
      for (const [index, name] of names.entries())
        if (names.indexOf(name) < index)
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `a second ${word} is called "${name}": give each a name of its own, as logs and metrics show it`,
          })
    })

/** The `secrets` of a config. */
export const secrets = named(namedSecret, 'secret', nameOfSecret).describe(
  'The secrets by reference. Any of them verifies, so that one can replace another; each may have a name and an end.',
)

/** The `keys` of a config. */
export const keys = named(namedKey, 'key', nameOfKey).describe(
  'The public keys by reference, where the sender signs with a private key: PEM (a key or a certificate), a JWK, the base64 of DER, or the 32 bytes of an Ed25519 key in hex or base64. Any of them verifies.',
)

/** The `keys` or `secrets` of a config. */
export interface KeysConfig {
  readonly secrets?: readonly NamedSecret[] | undefined
  readonly keys?: readonly NamedKey[] | undefined
}

/** How a scheme reads them; what it does not take, the config does not hold. */
export interface KeyReaders {
  readonly secret?: SecretReader | undefined
  readonly publicKey?: Pick<NonNullable<Provider['publicKey']>, 'parse' | 'about'> | undefined
}

/** What is there, and the names of what is not. */
export interface LoadedKeys {
  readonly keys: readonly SigningKey[]
  readonly absent: readonly string[]
}

interface ReadKey extends Pick<SigningKey, 'bytes' | 'publicKey'> {
  readonly told?: KeyFacts | undefined
}

const earlier = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other)

/**
 * The keys that are there. One that is missing is passed over while another is there, so that taking the old secret out
 * of the environment ends a rotation and not the route; a mismatch names it.
 * @throws Offline where none of those that are named is there, or one is malformed
 */
export function loadKeys(config: KeysConfig, readers: KeyReaders, resources: Resources): LoadedKeys {
  const found: SigningKey[] = []
  const absent: string[] = []
  let missing: Offline | undefined
  const load = (each: NamedKey, name: string, word: string, read: () => ReadKey) => {
    try {
      const { told, ...key } = read()
      const expires = earlier(each.expires, told?.expires)
      found.push({ name, ...key, id: each.id ?? told?.id, expires })
      if (expires !== undefined)
        resources.expires({ kind: 'secret', name: `${resources.route}/signature/${name}`, at: expires })
    } catch (error) {
      if (error instanceof SecretFault)
        throw new Offline(`${word} "${name}" (${each.ref}): ${error.message}`, error.mend)
      if (!(error instanceof Offline)) throw error
      missing ??= error
      absent.push(name)
    }
  }
  for (const [index, each] of (config.secrets ?? []).entries())
    load(each, nameOfSecret(each, index), 'secret', () => {
      const secret = resources.secret(each.ref)
      return { bytes: readers.secret?.parse(secret) ?? secret.bytes() }
    })
  for (const [index, each] of (config.keys ?? []).entries())
    load(each, nameOfKey(each, index), 'key', () => {
      const value = resources.secret(each.ref)
      const publicKey = readers.publicKey?.parse(value)
      if (publicKey === undefined) throw new Error('keys are given to a scheme that takes none')
      const told = readers.publicKey?.about?.(value)
      return { bytes: publicKey.export({ format: 'der', type: 'spki' }), publicKey, told }
    })
  if (found.length === 0 && missing) throw missing
  return { keys: found, absent }
}
