import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { formatDuration } from '../../core/units.ts'
import { likely, possible, proven } from './finding.ts'

/** Why an event that is under way, or one more than there is room for, is not taken. */
export function explainReplay(
  { window }: { readonly window: number },
  { refusal }: Pick<Explaining<unknown>, 'refusal'>,
): readonly Finding[] {
  if (refusal.code === 'replay.full')
    return [
      proven({
        cause: 'replay.full',
        because: `more events came within ${formatDuration(window)} than there is room to remember`,
        mend: 'shorten window to as long as the sender tries again, or put rate-limit before this check',
      }),
    ]
  const by = String(refusal.evidence?.['known-by'] ?? 'body')
  const findings = [
    likely({
      cause: 'replay.second-try',
      because: `the same event (known by its ${by}) is being forwarded at this moment: the sender did not wait for the answer and tried again`,
      mend: 'let the upstream answer first and work afterwards: it answers later than the sender waits',
    }),
  ]
  if (by === 'event id') return findings
  return [
    ...findings,
    possible({
      cause: 'replay.same-body',
      because: `two events look alike, as nothing but the ${by} tells them apart`,
      mend: "name the header or member that holds the sender's id of the event (event-id of signature)",
    }),
  ]
}
