import type { RouteConfig } from '../config/model.ts'
import type { Member } from '../core/check.ts'
import { isPlainObject } from '../core/plain-object.ts'
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
  const found: Credential[] = []
  eachList(config, '', (key, list) => {
    const word = kind.name === 'signature' && key === 'keys' ? 'key' : 'secret'
    for (const [index, entry] of list.entries()) {
      const credential = read(entry, index, word)
      if (credential) found.push({ route, check: kind.name, ...credential })
    }
  })
  return found
}

/** What a kind of check has compiled its settings to (a table of networks) has no list that the config has. */
function eachList(value: unknown, key: string, visit: (key: string, list: readonly unknown[]) => void): void {
  if (Array.isArray(value)) {
    visit(key, value)
    for (const entry of value) eachList(entry, key, visit)
  } else if (isPlainObject(value)) for (const name of Object.keys(value)) eachList(value[name], name, visit)
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
