import type { Finding } from '../../core/finding.ts'

type Told = Pick<Finding, 'cause' | 'because' | 'mend'> & Partial<Finding>

/** Tried, and it holds. */
export const proven = (told: Told): Finding => ({ level: 'fail', certainty: 'proven', ...told })
/** The evidence points at it and at nothing else. */
export const likely = (told: Told): Finding => ({ level: 'fail', certainty: 'likely', ...told })
/** One of several. */
export const possible = (told: Told): Finding => ({ level: 'warn', certainty: 'possible', ...told })

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** `2 days`, `3 hours`, `412 s`: a length of time for a sentence. */
export function ago(ms: number): string {
  const seconds = Math.round(Math.abs(ms) / 1000)
  if (seconds < 7200) return `${seconds} s`
  const hours = Math.round(seconds / 3600)
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`
}
