/** When a certificate is renewed, and when an attempt that failed is made again. Times are milliseconds. */

const MINUTE = 60_000
const HOUR = 3_600_000
const FIRST_RETRY = 2 * MINUTE
const LAST_RETRY = 6 * HOUR
/** No CA asks for longer, and a wrong Retry-After must not end renewal. */
const LONGEST_WAIT = 7 * 24 * HOUR

export interface Life {
  /** Epoch. */
  readonly notBefore: number
  readonly notAfter: number
}

/**
 * When a certificate is due. Of the time before its end the first tenth is left to chance, so that many gates do not ask
 * at once.
 * @param before what is configured; at most two thirds of its life count, else a new one would be due at once
 * @param chance from 0 to 1
 */
export function dueAt({ notBefore, notAfter }: Life, before: number | undefined, chance: number): number {
  const life = notAfter - notBefore
  const window = Math.min(before ?? life / 3, (life * 2) / 3)
  return notAfter - window * (1 - chance / 10)
}

/**
 * How long to wait after a failure: 2 minutes, three times as long after each further one, at most 6 hours. Let's Encrypt
 * takes five failures of a name an hour. Of what is left to the certificate in force no wait takes more than a quarter, so that
 * one that lives for a day does not end while its CA is there again; but none is shorter than a hundredth of its life.
 * @param failures in a row, from 1
 * @param retryAfter what the CA asks for; counts where it is longer
 * @param chance from 0 to 1
 * @param inForce the certificate in force, and the time, epoch
 */
export function retryIn(
  failures: number,
  retryAfter: number | undefined,
  chance: number,
  inForce?: { readonly life: Life; readonly now: number },
): number {
  const longest = inForce === undefined ? LAST_RETRY : longestRetry(inForce.life, inForce.now)
  const own = Math.min(longest, FIRST_RETRY * 3 ** Math.min(failures - 1, 10))
  return Math.max(own, Math.min(retryAfter ?? 0, LONGEST_WAIT)) * (1 + chance / 10)
}

function longestRetry({ notBefore, notAfter }: Life, now: number): number {
  const left = notAfter - now
  if (left <= 0) return LAST_RETRY
  return Math.min(LAST_RETRY, Math.max(FIRST_RETRY, left / 4, (notAfter - notBefore) / 100))
}
