import type { Verb } from './verb.ts'

/** One option as it was typed. */
export interface Typed {
  readonly name: string
  /** `undefined` of an option that takes none. */
  readonly value: string | undefined
}

/**
 * Of a command line whose options are known: what can't be meant together, as sentence and mend. To take one and to drop
 * the other without a word would do what nobody asked for.
 */
export function misfit(
  { name, options, apart = [], actions }: Pick<Verb, 'name' | 'options' | 'apart' | 'actions'>,
  typed: readonly Typed[],
  action: string | undefined,
): { readonly message: string; readonly mend: string } | undefined {
  const given = new Map<string, string | undefined>()
  for (const each of typed) {
    if (given.has(each.name) && given.get(each.name) !== each.value && options[each.name]?.multiple !== true)
      return { message: `--${each.name} is given twice, with two values`, mend: 'leave one of them out' }
    given.set(each.name, each.value)
  }
  const pair = apart.find(([one, other]) => given.has(one) && given.has(other))
  if (pair) return { message: `--${pair[0]} and --${pair[1]} exclude each other`, mend: 'leave one of them out' }
  const taken = action !== undefined && actions && Object.hasOwn(actions, action) ? actions[action] : undefined
  const stray = taken && [...given.keys()].find(option => option !== 'help' && !taken.includes(option))
  if (taken === undefined || stray === undefined) return undefined
  const others = Object.entries(actions ?? {}).flatMap(([other, those]) => (those.includes(stray) ? [other] : []))
  return {
    message: `"${name} ${action}" takes no --${stray}, which is of ${others.join(', ')}`,
    mend: `leave it out; ${action} takes ${taken.map(option => `--${option}`).join(', ')}`,
  }
}
