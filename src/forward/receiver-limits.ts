/** No receiver means longer than a day. Milliseconds. */
const LONGEST_MS = 86_400_000
/** Above, a number of seconds is a date since 1970 and no wait. */
const DATES_FROM_S = 1_000_000_000

/**
 * For how many milliseconds the receiver asks for quiet: by Retry-After on 429 and 503 (RFC 9110 section 10.2.3), or by
 * saying that nothing is left of its limit, in the fields of draft-ietf-httpapi-ratelimit-headers or the older ones.
 * 0 where it does not ask.
 *
 * @param headers name in lower case, value, ...
 * @param now epoch milliseconds
 */
export function quietOf(status: number, headers: readonly string[], now: number): number {
  const one = (name: string): string | undefined => {
    for (let at = 0; at < headers.length; at += 2) if (headers[at] === name) return headers[at + 1]
    return undefined
  }
  const all = (name: string): string => headers.filter((_text, at) => at % 2 === 1 && headers[at - 1] === name).join()
  let ms = 0
  const retryAfter = status === 429 || status === 503 ? one('retry-after') : undefined
  if (retryAfter !== undefined)
    ms = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1000 : (Date.parse(retryAfter) || now) - now
  if (one('ratelimit') !== undefined) ms = Math.max(ms, exhausted(all('ratelimit')))
  for (const prefix of ['ratelimit', 'x-ratelimit', 'x-rate-limit'])
    if (one(`${prefix}-remaining`) === '0') ms = Math.max(ms, untilReset(one(`${prefix}-reset`), now))
  return ms > 0 ? Math.min(ms, LONGEST_MS) : 0
}

/** Policies of a RateLimit field, `"default";r=0;t=30`; or, up to draft 07, one policy, `limit=10, remaining=0, reset=30`. */
function exhausted(field: string): number {
  const seconds = field
    .split(',')
    .filter(policy => /;\s*r=0\s*(?:;|$)/.test(policy))
    .map(policy => Number(/;\s*t=(\d{1,9})\s*(?:;|$)/.exec(policy)?.[1] ?? 0))
  if (/(?:^|,)\s*remaining=0\s*(?:[,;]|$)/.test(field))
    seconds.push(Number(/(?:^|,)\s*reset=(\d{1,9})\s*(?:[,;]|$)/.exec(field)?.[1] ?? 0))
  return Math.max(0, ...seconds) * 1000
}

function untilReset(text: string | undefined, now: number): number {
  if (text === undefined || !/^\d{1,10}(?:\.\d{1,6})?$/.test(text)) return 0
  const seconds = Number(text)
  return seconds < DATES_FROM_S ? seconds * 1000 : seconds * 1000 - now
}
