import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { ago, likely, possible, proven } from './finding.ts'

const HALF_HOUR_S = 1800
/** Seconds by which a time zone's difference may be blurred. */
const BLUR_S = 60
/** From here on, nobody's clock is taken to be so wrong. */
const OLD_S = 3600

/**
 * Of a signature that holds and whose moment is out of the tolerance: whose clock, or which delay.
 * @param skewS how long ago it was made by the gate's clock, in seconds; negative: ahead
 */
export function clockFindings(
  { request }: Pick<Explaining<unknown>, 'request'>,
  skewS: number,
  toleranceS: number,
): readonly Finding[] {
  const evidence = { 'timestamp-skew-s': skewS, 'tolerance-s': toleranceS }
  const holds = 'the signature holds'
  const unit = unitFinding(request.receivedAt, skewS)
  if (unit) return [unit]
  const date = Date.parse(request.headers.one('date') ?? '')
  const dateSkewS = Number.isNaN(date) ? undefined : Math.round((request.receivedAt - date) / 1000)
  const zone = Math.abs(skewS) >= HALF_HOUR_S && Math.abs(skewS) <= 14 * 3600 && offBy(skewS) <= BLUR_S
  const zoneFinding = (make: typeof likely): Finding =>
    make({
      cause: 'signature.time-zone',
      because: `${holds}, and its timestamp is ${Math.round(Math.abs(skewS) / 360) / 10} hours ${skewS < 0 ? 'ahead' : 'behind'}: a time zone`,
      evidence,
      mend: 'let the sender take the timestamp from the epoch in UTC, not from local time',
    })
  if (skewS < 0) {
    const ahead = (make: typeof likely): Finding =>
      make({
        cause: 'signature.clock-ahead',
        because: `${holds}, and the sender's clock is ${ago(skewS * 1000)} ahead of the gate's`,
        evidence,
        mend: 'set both clocks by NTP (timedatectl on the gate shows whether its own is); a longer tolerance only hides it',
      })
    return zone ? [zoneFinding(likely), ahead(possible)] : [ahead(likely)]
  }
  const behind = (make: typeof likely): Finding =>
    make({
      cause: 'signature.clock-behind',
      because: `${holds}, and its timestamp is ${ago(skewS * 1000)} old: the sender's clock is behind, the gate's is ahead, or the request waited on the way`,
      evidence,
      mend: 'set both clocks by NTP (timedatectl); where requests wait in a queue on the way, raise tolerance to that wait',
    })
  const again = (make: typeof likely, why: string): Finding =>
    make({
      cause: 'signature.redelivered',
      because: `${holds}, and it was made ${ago(skewS * 1000)} before it came: ${why}`,
      evidence,
      mend: 'send the event anew from the service, which signs it anew; refusing old signatures is what stops replays',
    })
  if (dateSkewS !== undefined && Math.abs(dateSkewS) <= toleranceS)
    return [again(likely, "the sender's clock is right by its Date header, so it is an old event delivered again")]
  if (dateSkewS !== undefined && Math.abs(dateSkewS - skewS) <= 5)
    return [behind(likely), again(possible, 'an old request sent again')]
  if (isRetry(request.headers)) return [again(likely, 'its headers say that it is a retry')]
  if (zone) return [zoneFinding(possible), again(possible, 'an old event delivered again')]
  return skewS >= OLD_S
    ? [again(likely, 'an old event delivered again, or a captured request'), behind(possible)]
    : [behind(likely), again(possible, 'an event delivered again after a while')]
}

const offBy = (seconds: number): number => {
  const rest = Math.abs(seconds) % HALF_HOUR_S
  return Math.min(rest, HALF_HOUR_S - rest)
}

/** A number that is a moment in the other unit. */
function unitFinding(nowMs: number, skewS: number): Finding | undefined {
  const signedS = nowMs / 1000 - skewS
  const off = (ratio: number): boolean => Math.abs(signedS * ratio - nowMs / 1000) < 30 * 86_400
  if (!off(1 / 1000) && !off(1000)) return undefined
  const [is, read] = off(1 / 1000) ? ['milliseconds', 'seconds'] : ['seconds', 'milliseconds']
  return proven({
    cause: 'signature.timestamp-unit',
    because: `the signature holds, and its timestamp is in ${is} where the scheme reads ${read}`,
    evidence: { 'timestamp-skew-s': skewS },
    mend: `set timestamp.unit to ${is === 'seconds' ? 's' : 'ms'}, or let the sender write ${read}`,
  })
}

function isRetry(headers: Explaining<unknown>['request']['headers']): boolean {
  for (let at = 0; at < headers.size; at++)
    if (/(^|-)(retry|redeliver|attempt)/.test(headers.nameAt(at)) && !/^(0|false|)$/.test(headers.valueAt(at)))
      return true
  return false
}
