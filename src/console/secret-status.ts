import { endsSoon } from '../core/ending.ts'
import type { Credential } from '../gateway/credentials.ts'
import type { Metrics } from '../observe/metrics.ts'

const DAY = 86_400_000
/** How long a secret must have been silent, while another of its check was used, to be called safe to remove. */
const QUIET_MS = DAY

/**
 * `expired`: lets nothing in; `removable`: silent for a day while another took its place; `ends-soon`: in use or not, it
 * is warned of because it ends soon; `shared`: another of the check has its name, so uses are not told apart; `unused`: not used
 * since counting began; `in-use`.
 */
export type SecretState = 'expired' | 'removable' | 'ends-soon' | 'shared' | 'unused' | 'in-use'

/** One secret, as JSON tells it; times are ISO 8601. */
export interface SecretReport {
  readonly route: string
  readonly check: string
  readonly name: string
  readonly state: SecretState
  readonly uses: number | null
  readonly 'last-used': string | null
  readonly expires: string | null
  readonly advice: string
}

export interface SecretsReport {
  /** When counting began: a secret that was not used since may have been used before. */
  readonly since: string
  readonly secrets: readonly SecretReport[]
}

/** Which secret still sees traffic, and which is safe to remove. */
export function reportSecrets(
  credentials: readonly Credential[],
  metrics: Pick<Metrics, 'keyUse' | 'countingSince'>,
  now: number,
): SecretsReport {
  const used = credentials.map(credential => ({ ...credential, ...metrics.keyUse(credential.route, credential.name) }))
  return {
    since: new Date(metrics.countingSince).toISOString(),
    secrets: used.map(secret => {
      const others = used.filter(
        other => other !== secret && other.route === secret.route && other.check === secret.check,
      )
      const state = stateOf(secret, others, now)
      const { route, check, name, uses, usedAt, expires } = secret
      return {
        route,
        check,
        name,
        state,
        uses: uses ?? null,
        'last-used': usedAt === undefined ? null : new Date(usedAt).toISOString(),
        expires: expires === undefined ? null : new Date(expires).toISOString(),
        advice: ADVICE[state],
      }
    }),
  }
}

interface Used extends Credential {
  readonly usedAt?: number | undefined
}

function stateOf(secret: Used, others: readonly Used[], now: number): SecretState {
  const { expires, usedAt } = secret
  if (expires !== undefined && expires < now) return 'expired'
  if (others.some(({ name }) => name === secret.name)) return 'shared'
  // Only the secrets of one signature stand in for each other: a token that is silent may be another sender's. And one
  // that was never used may be the new one, which the sender has not changed over to.
  const replaced =
    secret.check === 'signature' && others.some(other => other.usedAt !== undefined && now - other.usedAt < QUIET_MS)
  if (replaced && usedAt !== undefined && now - usedAt >= QUIET_MS) return 'removable'
  if (expires !== undefined && endsSoon({ kind: 'secret', at: expires }, now)) return 'ends-soon'
  return usedAt === undefined ? 'unused' : 'in-use'
}

const ADVICE: Readonly<Record<SecretState, string>> = {
  expired: 'It lets nothing in. Remove it.',
  removable: 'Not used for a day, while another secret of the route was. Safe to remove.',
  'ends-soon': 'Add the new one beside it, and let the sender change over before it ends.',
  shared: 'Another one has its name, so that their uses are not told apart. Give each its own name.',
  unused: 'Not used since counting began: new, and nobody has changed over to it, or long out of use.',
  'in-use': 'Keep it.',
}
