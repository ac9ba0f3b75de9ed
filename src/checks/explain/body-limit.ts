import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { formatSize } from '../../core/units.ts'
import { likely, proven } from './finding.ts'
import { largestStrings } from './largest-members.ts'

/** How much too large a body is, and what in it is. */
export function explainBodyLimit(
  { max }: { readonly max: number },
  { request, cut }: Explaining<{ readonly max: number }>,
): readonly Finding[] {
  const bytes = request.contentLength ?? request.raw.length
  const [largest] = largestStrings(request.raw, 1)
  const exact = bytes > max
  const whole = request.contentLength === undefined && cut ? 'at least ' : ''
  const evidence = { bytes, max }
  if (largest && largest.bytes > max / 4)
    return [
      (cut ? likely : proven)({
        cause: 'body-limit.one-member',
        because: `the body has ${exact ? `${whole}${formatSize(bytes)}` : `more than ${formatSize(max)}`}, and ${cut ? 'at least ' : ''}${formatSize(largest.bytes)} of it is ${largest.path}`,
        evidence: { ...evidence, member: largest.path, 'member-bytes': largest.bytes },
        mend: `let the sender leave ${largest.path} out, or send a link in its place; else raise max of body-limit`,
      }),
    ]
  return [
    proven({
      cause: 'body-limit.too-large',
      because: exact
        ? `the body has ${whole}${formatSize(bytes)}, ${formatSize(bytes - max)} more than max`
        : `the body has more than max, ${formatSize(max)}; how much more was not read`,
      evidence,
      mend: `raise max of body-limit ${exact ? `to ${formatSize(roundedUp(bytes))} ` : ''}if the sender is genuine; else ask it for smaller events`,
    }),
  ]
}

/** The next power of two, in bytes. */
const roundedUp = (bytes: number): number => 2 ** Math.ceil(Math.log2(Math.max(bytes, 1024)))
