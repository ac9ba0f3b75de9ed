import { SecretRef } from '../../core/secret.ts'
import { providerOf } from '../../signing/index.ts'
import { type Path, warning } from '../fault.ts'
import { labelOf } from '../words.ts'
import { type CheckEntry, checkEntries, settingOf } from './check-entries.ts'
import type { Rule } from './context.ts'

/** By check, the list that holds what lets a sender in. Public keys, and what the gate itself shows, may be shared. */
const LISTS: Readonly<Record<string, string>> = {
  signature: 'secrets',
  bearer: 'tokens',
  'api-key': 'keys',
  basic: 'users',
  jwt: 'secrets',
}

interface Use {
  readonly route: number
  readonly provider: string | undefined
  readonly path: Path
}

/** Whoever holds the secret of two routes can send to both, and neither can be changed alone. */
export const secretsOfOneRoute: Rule = function* (file, context) {
  const uses = new Map<string, Use[]>()
  for (const route of (file.routes ?? []).keys())
    for (const entry of checkEntries(file, route, context))
      for (const { ref, path } of refsIn(entry)) {
        const { secret } = context.secret(ref)
        const key = secret?.text() ?? ref.toString()
        const provider = settingOf(entry.config, 'provider')
        const all = uses.get(key) ?? []
        uses.set(key, all)
        all.push({ route, provider: typeof provider === 'string' ? provider : undefined, path })
      }
  for (const [first, ...rest] of uses.values()) {
    const others = rest.filter(use => first && use.route !== first.route && !isOneOfService(first, use))
    const [second] = others
    if (first === undefined || second === undefined) continue
    const routes = [...new Set([first, ...others].map(({ route }) => labelOf(['routes', route], context)))]
    const more = routes.length > SHOWN ? ` and ${routes.length - SHOWN} more` : ''
    yield warning(
      second.path,
      `${String(second.path.at(-2))}: one secret is used by ${routes.slice(0, SHOWN).join(', ')}${more}, so whoever holds it can send to all of them`,
      'give each route a secret of its own, so that one can be changed without the other',
    )
  }
}

const SHOWN = 4

/** A service that makes the secret itself signs with it whatever the operator subscribes to. */
function isOneOfService(a: Use, b: Use): boolean {
  return a.provider !== undefined && a.provider === b.provider && providerOf(a.provider)?.secret?.madeBy === 'service'
}

function* refsIn({ kind, config, path }: CheckEntry): Generator<{ ref: SecretRef; path: Path }> {
  const key = LISTS[kind.name]
  const list = key === undefined ? undefined : settingOf(config, key)
  if (key === undefined || !Array.isArray(list)) return
  for (const [index, each] of list.entries()) {
    const found = Object.values(each ?? {}).find(value => value instanceof SecretRef)
    if (found instanceof SecretRef) yield { ref: found, path: [...path, key, index] }
  }
}
