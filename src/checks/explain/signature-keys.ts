import { createPublicKey, type KeyObject } from 'node:crypto'
import type { Explaining } from '../../core/captured.ts'
import type { Resources } from '../../core/resources.ts'
import { type NamedKey, nameOfKey, nameOfSecret, type Secret } from '../../core/secret.ts'
import type { Difference, Variant } from '../../signing/near-miss/difference.ts'
import { secretVariants } from '../../signing/near-miss/secret-variants.ts'
import type { SigningKey } from '../../signing/scheme.ts'
import type { SignatureConfig } from '../signature-config.ts'
import { type KeyReaders, type KeysConfig, loadKeys } from '../signature-keys.ts'

/** A secret of the config that is there. */
export interface HeldSecret {
  readonly name: string
  readonly secret: Secret
  readonly expires: number | undefined
  /** The variable that holds it, where one does. */
  readonly variable: string | undefined
}

/** Those of this route that are there. */
export function heldSecrets(config: KeysConfig, resources: Resources): readonly HeldSecret[] {
  return (config.secrets ?? []).flatMap((each, index) => {
    const secret = held(each, resources)
    const variable = /^env:(.+)$/.exec(String(each.ref))?.[1]
    return secret ? [{ name: nameOfSecret(each, index), secret, expires: each.expires, variable }] : []
  })
}

function held({ ref }: Pick<NamedKey, 'ref'>, resources: Resources): Secret | undefined {
  try {
    return resources.secret(ref)
  } catch {
    return undefined
  }
}

/**
 * Every key that an HMAC of this route may have been made with: its own in all variants, then those of other routes.
 * @param service the provider's id
 */
export function macKeys(
  secrets: readonly HeldSecret[],
  readers: KeyReaders,
  elsewhere: Explaining<SignatureConfig>['elsewhere'],
  nowMs: number,
  service = '',
): readonly Variant<Buffer>[] {
  const upper = service.toUpperCase().replaceAll('-', '_')
  const usual = upper === '' ? [] : [`${upper}_SECRET`, `${upper}_WEBHOOK_SECRET`, `${upper}_SIGNING_SECRET`]
  const reader = readers.secret ?? { parse: (secret: Secret) => secret.bytes() }
  const own = secretlessOnce(
    secrets.flatMap(({ name, secret, expires, variable }) =>
      [...secretVariants(secret, name, reader, variable === undefined ? usual : [variable, ...usual])].map(variant =>
        expires !== undefined && expires < nowMs && variant.secretless !== true
          ? { ...variant, differs: [endedSecret(name, expires), ...variant.differs] }
          : variant,
      ),
    ),
  )
  const others = elsewhere.flatMap(({ route, config, resources }) =>
    heldSecrets(config as KeysConfig, resources).flatMap(({ name, secret }) => {
      const readings = [attempt(() => reader.parse(secret)), secret.bytes()].filter(key => key !== undefined)
      return readings.map(value => ({ value, differs: [secretOf(route, name)] }))
    }),
  )
  const plain = own.filter(({ differs }) => differs.length === 0)
  const rest = own.filter(({ differs }) => differs.length > 0)
  const known = new Set(plain.map(({ value }) => value.toString('base64')))
  return [...plain, ...rest, ...others.filter(({ value }) => !known.has(value.toString('base64')))]
}

/** What no secret has a part in, such as an empty key, is one finding however many secrets there are. */
function secretlessOnce(variants: readonly Variant<Buffer>[]): readonly Variant<Buffer>[] {
  const seen = new Set<string>()
  return variants.filter(({ value, secretless }) => {
    const key = value.toString('base64')
    if (secretless !== true) return true
    return !seen.has(key) && seen.add(key)
  })
}

/** As `macKeys`, where public keys verify. */
export function publicKeys(
  config: KeysConfig,
  readers: KeyReaders,
  elsewhere: Explaining<SignatureConfig>['elsewhere'],
  resources: Resources,
  nowMs: number,
): readonly Variant<KeyObject>[] {
  const own = (config.keys ?? []).flatMap((each, index): Variant<KeyObject>[] => {
    const key = readKey(each, readers, resources)
    const name = nameOfKey(each, index)
    if (key === undefined) return []
    const ended = each.expires !== undefined && each.expires < nowMs
    return [{ value: key, differs: ended ? [endedSecret(name, each.expires ?? 0, 'key')] : [] }]
  })
  const others = elsewhere.flatMap(({ route, config: other, resources: theirs }) =>
    ((other as KeysConfig).keys ?? []).flatMap((each, index) => {
      const key = readKey(each, readers, theirs)
      return key ? [{ value: key, differs: [secretOf(route, nameOfKey(each, index), 'key')] }] : []
    }),
  )
  return [...own, ...others]
}

/** As `publicKeys`, as a scheme that is code takes them. */
export function verifyingKeys(
  config: KeysConfig,
  readers: KeyReaders,
  elsewhere: Explaining<SignatureConfig>['elsewhere'],
  resources: Resources,
): readonly Variant<SigningKey>[] {
  const own = allKeys(config, readers, resources).filter(key => key.publicKey !== undefined)
  const others = elsewhere.flatMap(({ route, config: theirs, resources: world }) =>
    allKeys(theirs as KeysConfig, readers, world)
      .filter(key => key.publicKey !== undefined)
      .map(value => ({ value, differs: [secretOf(route, value.name, 'key')] })),
  )
  return [...own.map(value => ({ value, differs: [] })), ...others]
}

function readKey(each: NamedKey, { publicKey }: KeyReaders, resources: Resources): KeyObject | undefined {
  return attempt(() => {
    const value = resources.secret(each.ref)
    return publicKey?.parse(value) ?? createPublicKey(value.text())
  })
}

/** What this route verifies with, ended or not. */
export function allKeys(config: KeysConfig, readers: KeyReaders, resources: Resources) {
  return attempt(() => loadKeys(config, readers, resources).keys) ?? []
}

const endedSecret = (name: string, at: number, word: 'secret' | 'key' = 'secret'): Difference => ({
  cause: `${word}-expired`,
  phrase: `under the ${word} "${name}", whose end was ${new Date(at).toISOString()}`,
  mend: `let the sender use the current ${word}; if it needs more time, move the end of "${name}"`,
  evidence: { [word]: name, expired: new Date(at).toISOString() },
})

const secretOf = (route: string, name: string, word: 'secret' | 'key' = 'secret'): Difference => ({
  cause: `other-route-${word}`,
  phrase: `under the ${word} "${name}" of the route ${route}`,
  mend: `give the sender this route's ${word}, or this route that one; if the request is meant for ${route}, mend its URL`,
  evidence: { route, [word]: name },
})

/** The readers throw on what they can't read, each in its own words. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
