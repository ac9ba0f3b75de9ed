import { endsSoon, FIRST_STEP, timeLeft } from '../core/ending.ts'
import { type Finding, fail, ok, warn } from '../core/finding.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { readTokenFile } from './token-file.ts'

/** A secret, token or key with its end, as a check lists them. */
export interface Ending {
  readonly name: string
  /** Epoch milliseconds. */
  readonly expires?: number | undefined
}

/** As the gate itself warns. */
const WITHIN = timeLeft(FIRST_STEP)

const day = (at: number): string => new Date(at).toISOString().slice(0, 10)

/**
 * Which of a list have ended or soon do; nothing where none has an end that is near.
 * @param check the prefix of the causes. @param word what they are called, e.g. `token`
 */
export function* endings(check: string, word: string, list: readonly Ending[], now: number): Generator<Finding> {
  const live = list.filter(({ expires }) => expires === undefined || expires >= now)
  for (const { name, expires } of list) {
    if (expires === undefined) continue
    const another = live.some(each => each.name === name && (each.expires === undefined || each.expires > expires))
    const evidence = { [word]: name, expires: new Date(expires).toISOString() }
    const mend = `add a new ${word} beside it, let the sender change over, then remove this one`
    if (expires < now) {
      const told = `the ${word} "${name}" ended on ${day(expires)}`
      if (live.length === 0)
        yield fail(`${check}.expired`, `${told}, and no other is left, so nothing is let in`, mend, { evidence })
      else yield warn(`${check}.expired`, told, another ? 'take it out of the config' : mend, { evidence })
      continue
    }
    if (endsSoon({ kind: 'token', at: expires }, now) && !another)
      yield warn(
        `${check}.ends-soon`,
        `the ${word} "${name}" ends in ${timeLeft(expires - now)}, on ${day(expires)}`,
        mend,
        {
          evidence,
        },
      )
  }
}

/** What of a tokens file has ended or soon does. */
export function* tokenFile(path: string, resources: Resources): Generator<Finding> {
  const now = resources.clock.now()
  let lines: readonly Ending[]
  try {
    lines = [...readTokenFile(resources.file(path).toString('utf8'))]
  } catch (error) {
    // What can't be read keeps the check from being made, and is told there.
    if (error instanceof Offline || error instanceof Error) return
    throw error
  }
  const ended = lines.filter(({ expires }) => expires !== undefined && expires < now)
  const soon = lines.filter(({ expires }) => expires !== undefined && endsSoon({ kind: 'token', at: expires }, now))
  const names = (list: readonly Ending[]): string => [...new Set(list.map(({ name }) => name))].slice(0, 5).join(', ')
  const evidence = { file: path, tokens: lines.length, ended: ended.length, 'end-soon': soon.length }
  if (ended.length > 0) {
    const told = `${ended.length} of the ${lines.length} tokens in ${path} have ended (${names(ended)})`
    const mend = 'give their holders new ones, and take the lines out'
    yield ended.length === lines.length
      ? fail('bearer.expired', `${told}, so nothing is let in by it`, mend, { evidence })
      : warn('bearer.expired', told, mend, { evidence })
  }
  if (soon.length > 0)
    yield warn(
      'bearer.ends-soon',
      `${soon.length} of the ${lines.length} tokens in ${path} end within ${WITHIN} (${names(soon)})`,
      'give their holders new ones',
      { evidence },
    )
  if (ended.length === 0 && soon.length === 0)
    yield ok('bearer.tokens', `${lines.length} tokens are in ${path}, and none ends within ${WITHIN}`, evidence)
}
