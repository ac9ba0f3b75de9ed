import { membersOf } from '../../checks/combination.ts'
import type { Member } from '../../core/check.ts'
import { challenges } from '../../signing/challenges/index.ts'
import { error, type Path } from '../fault.ts'
import { labelOf } from '../words.ts'
import type { Rule } from './context.ts'

/** A challenge that could never be answered would keep its route offline. */
export const challengesAnswerable: Rule = function* (file, context) {
  for (const index of (file.routes ?? []).keys()) {
    const path: Path = ['routes', index, 'checks']
    const own = settingsOf(context.at(path), 'challenge')
    if (own === undefined) continue
    const at = [...path, own.index, 'challenge']
    const signed = signingProvider(membersOf(enforced(context.at(path)), context.kinds))
    const id = own.settings.provider ?? signed
    const found = typeof id === 'string' ? challenges.get(id) : undefined
    const known = [...challenges.keys()].join(', ')
    if (found === undefined) {
      // A name that is not known is refused where it stands.
      if (own.settings.provider !== undefined) continue
      yield error(
        at,
        typeof id === 'string'
          ? `challenge: no challenge of "${id}" is known`
          : `challenge: ${labelOf(['routes', index], context)} checks no signature of a provider, whose challenge it could answer`,
        `take it out, or name one by "provider": ${known}`,
        'key',
      )
    } else if (found.kind === 'handshake') {
      const { needs, pairs } = found
      if (needs !== 'open-until' && own.settings[needs] === undefined)
        yield error(at, `challenge: "${id}" needs "${needs}"`, `add ${needs}`, 'key')
      if (pairs && own.settings['save-to'] === undefined)
        yield error(
          at,
          `challenge: "${id}" hands over a secret, and nothing says where it goes`,
          'add save-to: the file that the secrets of the signature name',
          'key',
        )
    }
  }
}

/** One that only reports says of nobody who signed. */
const enforced = (checks: unknown): unknown =>
  Array.isArray(checks) ? checks.filter(item => item?.mode !== 'report') : checks

/** The provider of the first signature check, inside other checks too. */
function signingProvider(members: readonly Member[]): unknown {
  for (const { kind, config } of members) {
    if (kind.name === 'signature')
      return typeof config === 'object' && config !== null && 'provider' in config ? config.provider : undefined
    const inside = signingProvider(kind.members?.(config) ?? [])
    if (inside !== undefined) return inside
  }
  return undefined
}

function settingsOf(
  checks: unknown,
  name: string,
): { readonly index: number; readonly settings: Readonly<Record<string, unknown>> } | undefined {
  if (!Array.isArray(checks)) return undefined
  for (const [index, item] of checks.entries()) {
    if (typeof item !== 'object' || item === null || !Object.hasOwn(item, name)) continue
    const settings: unknown = (item as Readonly<Record<string, unknown>>)[name]
    return typeof settings === 'object' && settings !== null ? { index, settings: { ...settings } } : undefined
  }
  return undefined
}
