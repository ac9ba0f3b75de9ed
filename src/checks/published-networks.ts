import { containsNetwork, type Network, networkText } from '../core/address.ts'

/** What a provider publishes and a list of the config lacks. */
export interface ListDifference {
  readonly missing: readonly string[]
  /** What the list holds beyond it; may be other senders'. */
  readonly beyond: readonly string[]
}

/**
 * Compares the networks that a config lists with those that a provider publishes; `undefined` where none is missing, and
 * where the list has nothing of them: it is then of the operator's own proxies.
 */
export function listDifference(listed: readonly Network[], published: readonly Network[]): ListDifference | undefined {
  const related = listed.some(own => published.some(one => containsNetwork(own, one) || containsNetwork(one, own)))
  if (!related) return undefined
  const missing = published.filter(one => !listed.some(own => containsNetwork(own, one)))
  if (missing.length === 0) return undefined
  const beyond = listed.filter(own => !published.some(one => containsNetwork(one, own)))
  return { missing: missing.map(networkText), beyond: beyond.map(networkText) }
}
