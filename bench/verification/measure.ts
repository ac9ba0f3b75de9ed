import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { ratios, summarise } from '../stats.ts'
import { growths } from './growth.ts'
import { hmacPresets, type PresetCase, presetCase } from './presets.ts'
import type { Figure, GrowthRow, PresetRow, Verification } from './report.ts'
import { interleaved, type Rounds, type Subject } from './timing.ts'

const SIZES = [1024, 16 * 1024] as const
const AMONG = join(import.meta.dirname, 'among.ts')

/** Nothing here uses the network: a check is called as the pipeline calls it, on requests made as the listener makes them. */
export function measureVerification(options: Rounds, say: (text: string) => void): Verification {
  say('verification: presets')
  const presets = hmacPresets.map(provider => {
    const [small, large] = SIZES.map(bytes => presetRow(presetCase(provider, bytes), options))
    if (small === undefined || large === undefined) throw new Error('two sizes are measured')
    return { id: provider.id, algorithm: provider.scheme.kind.replace('hmac-', ''), small, large }
  })
  const growth: GrowthRow[] = [providerRow(options, say)]
  for (const make of growths) {
    const { what, one, same, other } = make()
    say(`verification: ${what}`)
    const samples = interleaved([one, same, other], options)
    const against = (subject: Subject) => summarise(ratios(samples.get(subject) ?? [], samples.get(one) ?? []))
    growth.push({ what, same: against(same), other: against(other) })
  }
  return { presets, growth }
}

function presetRow({ check, bare }: PresetCase, options: Rounds): PresetRow['small'] {
  const samples = interleaved([check, bare], options)
  const [whole, alone] = [samples.get(check) ?? [], samples.get(bare) ?? []]
  return { ratio: summarise(ratios(whole, alone)), checkNs: summarise(whole), bareNs: summarise(alone) }
}

/** In processes of their own: what a process has run before is what the compiler has made of the code. */
function providerRow({ rounds, batches }: Rounds, say: (text: string) => void): GrowthRow {
  const what = "GitHub's signature at 1 KB, in a process that verifies every preset's"
  say(`verification: ${what}`)
  const run = (among: 'alone' | 'all'): number =>
    Number(execFileSync(process.execPath, [AMONG, among, String(batches)], { encoding: 'utf8' }))
  const pairs = Array.from({ length: rounds }, () => ({ alone: run('alone'), all: run('all') }))
  const same: Figure = summarise(
    ratios(
      pairs.map(({ all }) => all),
      pairs.map(({ alone }) => alone),
    ),
  )
  return { what, same, other: undefined }
}
