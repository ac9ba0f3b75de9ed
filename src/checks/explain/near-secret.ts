import { isOneStepAway } from '../../core/one-step-away.ts'

/** How a text that was sent differs from the one that is known, where it is nearly that. */
export interface Near {
  readonly cause: 'cut' | 'continued' | 'mistyped'
  /** Goes on after "it is the token ...". */
  readonly because: string
}

/** Shorter ones are near to too much. */
const SHORTEST = 8

/** Whether it was cut, continued or mistyped. Texts that are equal are not near. */
export function nearSecret(known: string, sent: string): Near | undefined {
  if (known === sent || known.length < SHORTEST || sent.length < SHORTEST / 2) return undefined
  const characters = (count: number): string => `${count} character${count === 1 ? '' : 's'}`
  const lost = characters(known.length - sent.length)
  if (known.startsWith(sent)) return { cause: 'cut', because: `without its last ${lost}` }
  if (known.endsWith(sent)) return { cause: 'cut', because: `without its first ${lost}` }
  if (sent.startsWith(known))
    return { cause: 'continued', because: `with ${characters(sent.length - known.length)} more behind it` }
  return isOneStepAway(known, sent) ? { cause: 'mistyped', because: 'with one character wrong' } : undefined
}
