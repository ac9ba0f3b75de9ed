import type { RouteConfig } from '../config/model.ts'
import type { Member } from '../core/check.ts'
import { nameOfSecret, SecretRef } from '../core/secret.ts'

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
 * its id or its place in the list is what it is counted by.
 */
export function credentialsOf({ name: route, checks }: RouteConfig): Credential[] {
  return checks.flatMap(check => credentialsIn(route, check))
}

function credentialsIn(route: string, { kind, config }: Pick<Member, 'kind' | 'config'>): Credential[] {
  if (kind.members) return kind.members(config).flatMap(member => credentialsIn(route, member))
  return [...lists(config)].flatMap(list =>
    list.flatMap((entry, index) => {
      const found = read(entry, index)
      return found ? [{ route, check: kind.name, ...found }] : []
    }),
  )
}

function* lists(value: unknown): Generator<readonly unknown[]> {
  if (typeof value !== 'object' || value === null || value instanceof SecretRef) return
  if (Array.isArray(value)) yield value
  for (const inner of Object.values(value)) yield* lists(inner)
}

function read(entry: unknown, index: number): Pick<Credential, 'name' | 'expires'> | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined
  const ref: unknown = Object.values(entry).find(value => value instanceof SecretRef)
  if (!(ref instanceof SecretRef)) return undefined
  const { name, id, expires } = entry as { readonly name?: unknown; readonly id?: unknown; readonly expires?: unknown }
  const given = [name, id].find(value => typeof value === 'string')
  return {
    name: nameOfSecret({ name: typeof given === 'string' ? given : undefined, ref }, index),
    expires: typeof expires === 'number' ? expires : undefined,
  }
}
