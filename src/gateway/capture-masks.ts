import { parseSelect } from '../checks/json-select.ts'
import type { GatewayConfig, RouteConfig } from '../config/model.ts'
import { resolveSecret } from '../config/secrets.ts'
import type { Member } from '../core/check.ts'
import { isCredentialName, MASKED } from '../core/credential-name.ts'
import { isPlainObject } from '../core/plain-object.ts'
import { SecretRef } from '../core/secret.ts'
import { providerOf } from '../signing/index.ts'

/** What is hidden of the captures of one route. */
export interface Masks {
  /** Whether a header field, a parameter of the query or a field of a form or of JSON holds a credential, by its name. */
  names(name: string): boolean
  /** Whether a value of a JSON body is hidden for where it stands. */
  path(path: readonly (string | number)[]): boolean
  /** Hides the route's own secrets, wherever a sender may have written them. */
  text(text: string): string
}

/** Shorter ones stand in too many texts by chance. */
const SHORTEST = 6

/** @param route of the capture, as the config in force has it */
export function masksOf(route: RouteConfig | undefined, config: GatewayConfig, env: NodeJS.ProcessEnv): Masks {
  const named = new Set<string>()
  const secrets = new Set<string>()
  const folder = config.file.replace(/[^/]*$/, '')
  // A request that matched no route may hold the credentials of any.
  for (const { checks } of route ? [route] : config.routes)
    for (const check of checks) {
      for (const name of namesIn(check)) named.add(name.toLowerCase())
      for (const ref of refsIn(check.config)) {
        const text = resolveSecret(ref, env, folder).secret?.text().trim() ?? ''
        if (text.length >= SHORTEST) secrets.add(text)
      }
    }
  const selects = config.captures.mask.map(parseSelect).filter(select => select !== undefined)
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length)
  return {
    names: name => isCredentialName(name) || named.has(name.toLowerCase()),
    path: path => selects.some(select => select.covers(path)),
    text: text => longestFirst.reduce((left, secret) => left.replaceAll(secret, MASKED), text),
  }
}

/** Headers, parameters and fields that a check reads a credential from. */
function* namesIn({ kind, config }: Pick<Member, 'kind' | 'config'>): Generator<string> {
  for (const member of kind.members?.(config) ?? []) yield* namesIn(member)
  if (typeof config !== 'object' || config === null) return
  const { header, query, field, provider } = config as Readonly<Record<string, unknown>>
  if (kind.name !== 'rate-limit' && typeof header === 'string') yield header
  if (typeof query === 'string') yield query
  if (typeof field === 'object' && field !== null)
    for (const place of Object.values(field)) if (typeof place === 'string') yield place.split('.').at(-1) ?? place
  if (kind.name === 'signature' && typeof provider === 'string')
    for (const name of providerOf(provider)?.scheme.headers ?? []) yield name
}

function* refsIn(value: unknown): Generator<SecretRef> {
  if (value instanceof SecretRef) yield value
  else if (Array.isArray(value)) for (const entry of value) yield* refsIn(entry)
  else if (isPlainObject(value)) for (const entry of Object.values(value)) yield* refsIn(entry)
}
