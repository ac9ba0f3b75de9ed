import type { CheckConfig, GatewayConfig } from '../config/model.ts'
import type { Member } from '../core/check.ts'

/** The config without the checks of some kinds, also where they stand in the list of another: nobody could tell what they would say. */
export function withoutChecks(config: GatewayConfig, names: ReadonlySet<string>): GatewayConfig {
  return {
    ...config,
    routes: config.routes.map(route => ({
      ...route,
      checks: route.checks.flatMap((check): CheckConfig[] => {
        const left = withoutMembers(check, names)
        return left === undefined ? [] : [{ ...check, config: left }]
      }),
    })),
  }
}

/** Whether a check of this kind stands in the list, or in the list of another. */
export const holdsCheck = (checks: readonly Pick<Member, 'kind' | 'config'>[], name: string): boolean =>
  checks.some(({ kind, config }) => kind.name === name || holdsCheck(kind.members?.(config) ?? [], name))

/** What is left of a check's config; `undefined` where the check goes, as one does whose list would be empty. */
function withoutMembers(
  { kind, config }: Pick<Member, 'kind' | 'config'>,
  names: ReadonlySet<string>,
): unknown | undefined {
  if (names.has(kind.name)) return undefined
  if (!kind.members) return config
  const left = kind.members(config).flatMap(member => {
    const own = withoutMembers(member, names)
    return own === undefined ? [] : [{ [member.kind.name]: own }]
  })
  return left.length === 0 ? undefined : left
}
