import type { Finding } from '../../core/finding.ts'
import type { OtherProvider } from '../../signing/near-miss/other-providers.ts'
import { proven } from './finding.ts'

/** The providers as which it verifies under a secret of this route: one finding, as one setting mends it. */
export function asProvider(others: readonly OtherProvider[]): readonly Finding[] {
  const [first, ...more] = others.filter(({ verifies }) => verifies)
  if (first === undefined) return []
  return [
    proven({
      cause: 'signature.other-provider',
      because: `it matches as ${first.provider.name} signs, under a secret of this route`,
      evidence: {
        provider: first.provider.id,
        headers: first.headers,
        ...(more.length > 0 ? { 'signing-alike': more.map(({ provider }) => provider.id) } : {}),
      },
      mend: `set provider: ${first.provider.id} on this route`,
    }),
  ]
}
