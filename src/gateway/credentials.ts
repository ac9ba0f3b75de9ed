import type { RouteConfig } from '../config/model.ts'
import type { Member } from '../core/check.ts'
import { nameOfKey, SecretRef } from '../core/secret.ts'

/** A secret, token or key of a route, as the config names it. */
export interface Credential {
  readonly route: string
  readonly check: string
  /** As it stands in `Facts.keyName` when it has verified. */
  readonly name: string
  /** Epoch milliseconds. */
  readonly expires: number | undefined
}

/**
 * Every secret in a list of a route's checks, whatever the check: an entry that refers to a secret is one, and its name,
 * its id or its place in the list is what it is counted by; public keys of a signature are counted as keys.
 */
export function credentialsOf({ name: route, checks }: RouteConfig): Credential[] {
  return checks.flatMap(check => credentialsIn(route, check))
}

function credentialsIn(route: string, { kind, config }: Pick<Member, 'kind' | 'config'>): Credential[] {
  if (kind.members) return kind.members(config).flatMap(member => credentialsIn(route, member))
  return [...lists(config, '')].flatMap(({ key, list }) =>
    list.flatMap((entry, index) => {
      const found = read(entry, index, kind.name === 'signature' && key === 'keys' ? 'key' : 'secret')
      return found ? [{ route, check: kind.name, ...found }] : []
    }),
  )
}

function* lists(value: unknown, key: string): Generator<{ key: string; list: readonly unknown[] }> {
  if (typeof value !== 'object' || value === null || value instanceof SecretRef) return
  if (Array.isArray(value)) yield { key, list: value }
  for (const [name, inner] of Object.entries(value)) yield* lists(inner, name)
}

function read(entry: unknown, index: number, word: 'key' | 'secret'): Pick<Credential, 'name' | 'expires'> | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const ref: unknown = Object.values(entry).find(value => value instanceof SecretRef)
  if (!(ref instanceof SecretRef)) return undefined
  const { name, id, expires } = entry as { readonly name?: unknown; readonly id?: unknown; readonly expires?: unknown }
  return {
    name: nameOfKey({ name: textOf(name), id: textOf(id) }, index, word),
    expires: typeof expires === 'number' ? expires : undefined,
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
