import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { formatDuration } from '../../core/units.ts'
import type { Answer } from './ask.ts'

/** A Date is of whole seconds, and clocks that NTP sets differ a little. */
const UNSEEN_MS = 5_000
/** What most services allow. */
const TOLERANCE_MS = 300_000

/**
 * Compares this host's clock with the Date of an answer (RFC 9110 section 6.6.1), which was written at some moment between
 * question and answer: what an upstream takes its time for is no difference.
 * @param toleranceMs how far a signed timestamp may be off
 */
export function clockFindings(
  { headers, asked, answered }: Pick<Answer, 'headers' | 'asked' | 'answered'>,
  whose: string,
  toleranceMs = TOLERANCE_MS,
): Finding[] {
  const date = headers.date === undefined ? Number.NaN : Date.parse(headers.date)
  if (Number.isNaN(date)) return []
  const ahead = date < asked ? asked - date : Math.min(answered - date, 0)
  const seconds = Math.round(ahead / 1000)
  const evidence = { 'ahead-s': seconds, date: headers.date ?? '' }
  if (Math.abs(ahead) <= UNSEEN_MS)
    return [ok('clock.same', `this host's clock agrees with that of ${whose}`, evidence)]
  const by = `this host's clock is ${formatDuration(Math.abs(seconds) * 1000)} ${seconds > 0 ? 'ahead of' : 'behind'} that of ${whose}`
  const mend = 'set both clocks by NTP (timedatectl, chronyc tracking), and see which of them is wrong'
  return Math.abs(ahead) >= toleranceMs
    ? [
        fail('clock.skew', `${by}: signed timestamps are refused beyond ${formatDuration(toleranceMs)}`, mend, {
          evidence,
        }),
      ]
    : [warn('clock.skew', by, mend, { evidence })]
}
