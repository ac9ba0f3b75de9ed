import type { Expiry } from './resources.ts'
import { formatDuration } from './units.ts'

const DAY = 86_400_000
/** Milliseconds before its end at which something that lives for years is first warned of. */
export const FIRST_STEP = 30 * DAY
const STEPS = [FIRST_STEP, 7 * DAY, DAY]

/**
 * Milliseconds before its end at which something is warned of, the longest first; at its end it is as well. What others
 * renew is renewed once a third of its life is left (cert-manager, certbot, step-ca): who warns then or sooner warns
 * always. A certificate of three days or less, for which each step is too soon, is warned of at a sixth of its life: half of the
 * time for renewing it has gone then. A list (CRL, OCSP response) that lives so short may well be made anew no sooner.
 */
export function warningSteps({ kind, at, since }: Pick<Expiry, 'kind' | 'at' | 'since'>): readonly number[] {
  if (since === undefined) return STEPS
  const life = at - since
  const steps = STEPS.filter(step => step < life / 3)
  return steps.length === 0 && kind === 'certificate' && life > 0 ? [life / 6] : steps
}

/** Whether something has not ended, and is to be warned of. @param now epoch milliseconds */
export function endsSoon(expiry: Pick<Expiry, 'kind' | 'at' | 'since'>, now: number): boolean {
  const left = expiry.at - now
  return left > 0 && left <= (warningSteps(expiry)[0] ?? 0)
}

/**
 * How long before its end something is to be told of, where that is `wanted` of what lives long: of what is always as near to
 * its end, once half of the time for renewing it has gone. All in the same unit.
 * @param life from its begin to its end; `undefined`: not known
 */
export function toldWithin(wanted: number, life: number | undefined): number {
  return life === undefined || wanted < life / 3 ? wanted : life / 6
}

/** `near`: within a week, or at the last steps of what lives short; of what the gate renews: that is overdue. */
export type Nearness = 'ok' | 'soon' | 'near' | 'ended'

/** @param now epoch milliseconds */
export function nearnessOf(expiry: Expiry, now: number): Nearness {
  const left = expiry.at - now
  if (left <= 0) return 'ended'
  if (expiry.renewsAt !== undefined) return left <= (expiry.at - expiry.renewsAt) / 2 ? 'near' : 'ok'
  const near = warningSteps(expiry).find(step => step <= 7 * DAY) ?? 0
  return left <= near ? 'near' : endsSoon(expiry, now) ? 'soon' : 'ok'
}

/** 1_000_000_000 -> `11 days`: what is left of something, rounded down; of less than two days in hours and less. */
export function timeLeft(ms: number): string {
  return ms < 2 * DAY ? formatDuration(ms) : `${Math.floor(ms / DAY)} days`
}
