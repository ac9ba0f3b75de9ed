import { formatDuration, formatSize } from '../../core/units.ts'
import { providerOf } from '../../signing/index.ts'
import { warning } from '../fault.ts'
import { writeQuantity } from '../quantities.ts'
import { checkEntries, settingOf } from './check-entries.ts'
import type { Rule } from './context.ts'

/** No service of the list has its requests verified so long after they were signed. Milliseconds. */
const LONGEST_TOLERANCE = 3_600_000
/** A body is held in memory until it is verified. */
const LARGEST_BODY = 64 * 1024 ** 2

/** A limit above what the service itself keeps to lets in what only strangers send. */
export const limitsOfProviders: Rule = function* (file, context) {
  for (const index of (file.routes ?? []).keys()) {
    const entries = checkEntries(file, index, context)
    const ids = entries
      .filter(({ kind }) => kind.name === 'signature')
      .map(({ config }) => settingOf(config, 'provider'))
    const [id] = ids
    // What several services share is as large as the largest of them needs.
    const provider = typeof id === 'string' && ids.every(other => other === id) ? providerOf(id) : undefined
    for (const { kind, config, path } of entries) {
      const max = kind.name === 'body-limit' ? settingOf(config, 'max') : undefined
      const largest = provider?.largestBody?.bytes ?? LARGEST_BODY
      if (typeof max === 'number' && max > largest)
        yield warning(
          [...path, 'max'],
          provider?.largestBody
            ? `max: ${formatSize(max)} is more than ${provider.name} sends, ${formatSize(largest)} (${provider.largestBody.page})`
            : `max: ${formatSize(max)} is held in memory for every request that is under way, before anybody is known`,
          `write ${writeQuantity('size', largest)} or less`,
        )
      const tolerance = kind.name === 'signature' ? settingOf(config, 'tolerance') : undefined
      const own = settingOf(config, 'provider')
      const usual = typeof own === 'string' ? providerOf(own)?.scheme.tolerance : undefined
      const longest = usual ?? LONGEST_TOLERANCE
      if (typeof tolerance === 'number' && tolerance > longest)
        yield warning(
          [...path, 'tolerance'],
          usual === undefined
            ? `tolerance: for ${formatDuration(tolerance)} whoever has seen a request can send it again`
            : `tolerance: ${formatDuration(tolerance)} is longer than the ${formatDuration(usual)} of ${providerOf(String(own))?.name ?? 'the service'}, and for so long whoever has seen a request can send it again`,
          `write ${writeQuantity('duration', longest)} or less; where the clocks are apart, set them`,
        )
    }
  }
}
