import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { expectedTime } from '../../signing/near-miss/payloads.ts'
import type { SignedForm } from '../../signing/signed-form.ts'
import { type TimestampUnit, UNIT_WORDS, unitOf } from '../../signing/timestamp.ts'
import { ago, likely, possible, proven } from './finding.ts'

const HALF_HOUR_S = 1800
/** Seconds by which a time zone's difference may be blurred. */
const BLUR_S = 60
/** From here on, nobody's clock is taken to be so wrong. */
const OLD_S = 3600

/**
 * What mends a timestamp that is not written as the scheme reads it.
 * @param written `undefined`: in no unit that a scheme could read
 * @param service of a preset, whose unit is no setting
 */
function unitMend(read: TimestampUnit, written: TimestampUnit | undefined, service: string | undefined): string {
  const right = `let the sender sign and send ${WRITTEN[read]}`
  if (service !== undefined) return `${right}, as ${service} does`
  return written === undefined || written === read
    ? `${right}: what it writes now is no unit that a scheme can read`
    : `set timestamp.unit to ${written}, or ${right}`
}

const WRITTEN: Readonly<Record<TimestampUnit, string>> = {
  s: 'whole seconds since 1970, in digits alone',
  ms: 'whole milliseconds since 1970, in digits alone',
  iso: 'the moment as RFC 3339 writes it (2026-03-02T10:00:00Z)',
}

/**
 * Of a signature that holds and whose moment is out of the tolerance: whose clock, or which delay.
 * @param skewS how long ago it was made by the gate's clock, in seconds; negative: ahead
 * @param service of a preset
 */
export function clockFindings(
  { request }: Pick<Explaining<unknown>, 'request'>,
  skewS: number,
  toleranceS: number,
  service: string | undefined,
): readonly Finding[] {
  const evidence = { 'timestamp-skew-s': skewS, 'tolerance-s': toleranceS }
  const holds = 'the signature holds'
  const unit = unitFinding(request.receivedAt, skewS, service)
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

/** Of a signature that matches over a timestamp that its scheme can't read; `undefined` where that is not why. */
export function unreadTimeFinding(
  { request, refusal }: Pick<Explaining<unknown>, 'request' | 'refusal'>,
  form: SignedForm | undefined,
  service: string | undefined,
): Finding | undefined {
  const why = refusal.evidence?.why
  const read = form?.timestamp?.unit
  const isUnread = refusal.code === 'signature.malformed' && /^the timestamp is not written/.test(String(why))
  if (!isUnread || form === undefined || read === undefined) return undefined
  return proven({
    cause: 'signature.timestamp-unit',
    because: `the signature matches, and ${String(why)}`,
    mend: unitMend(read, unitOf(expectedTime(request, form) ?? ''), service),
  })
}

/** A number that is a moment in the other unit. */
function unitFinding(nowMs: number, skewS: number, service: string | undefined): Finding | undefined {
  const signedS = nowMs / 1000 - skewS
  const off = (ratio: number): boolean => Math.abs(signedS * ratio - nowMs / 1000) < 30 * 86_400
  if (!off(1 / 1000) && !off(1000)) return undefined
  const [is, read] = off(1 / 1000) ? (['ms', 's'] as const) : (['s', 'ms'] as const)
  return proven({
    cause: 'signature.timestamp-unit',
    because: `the signature holds, and its timestamp is in ${UNIT_WORDS[is]} where the scheme reads ${UNIT_WORDS[read]}`,
    evidence: { 'timestamp-skew-s': skewS },
    mend: unitMend(read, is, service),
  })
}

function isRetry(headers: Explaining<unknown>['request']['headers']): boolean {
  for (let at = 0; at < headers.size; at++)
    if (/(^|-)(retry|redeliver|attempt)/.test(headers.nameAt(at)) && !/^(0|false|)$/.test(headers.valueAt(at)))
      return true
  return false
}
