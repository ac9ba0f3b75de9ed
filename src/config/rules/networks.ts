import { listDifference } from '../../checks/published-networks.ts'
import { type Network, parseNetwork } from '../../core/address.ts'
import { providerOf } from '../../signing/index.ts'
import { type Fault, type Path, warning } from '../fault.ts'
import { checkEntries, settingOf } from './check-entries.ts'
import type { Rule } from './context.ts'

/** A list that holds every address checks nothing. */
export const noOpenNetworks: Rule = function* (file, context) {
  for (const index of (file.routes ?? []).keys())
    for (const { kind, path } of checkEntries(file, index, context)) {
      if (kind.name !== 'source-ip') continue
      const allow = context.at([...path, 'allow'])
      for (const [at, text] of (Array.isArray(allow) ? allow : []).entries())
        if (typeof text === 'string') yield* open(text, [...path, 'allow', at])
    }
}

function* open(text: string, path: Path): Generator<Fault> {
  const network = text.includes('/') ? parseNetwork(text) : undefined
  if (network?.prefix !== 0) return
  const family = network.family === 4 ? 'IPv4' : 'IPv6'
  yield warning(
    path,
    `allow: ${text} holds every ${family} address, so source-ip refuses nobody who comes by ${family}`,
    "write the sender's own networks, or take source-ip out",
  )
}

const SHOWN = 4

/** Networks that were copied from a provider's page go out of date. */
export const networksAsPublished: Rule = function* (file, context) {
  for (const index of (file.routes ?? []).keys()) {
    const entries = checkEntries(file, index, context)
    const id = entries
      .filter(({ kind }) => kind.name === 'signature')
      .map(({ config }) => settingOf(config, 'provider'))[0]
    const provider = typeof id === 'string' ? providerOf(id) : undefined
    const published = provider?.networks
    if (provider === undefined || published === undefined) continue
    for (const { kind, config, path } of entries) {
      const allow = kind.name === 'source-ip' ? settingOf(config, 'allow') : undefined
      if (!Array.isArray(allow)) continue
      const listed = allow.filter(isNetwork)
      if (listed.length < allow.length) continue
      const differs = listDifference(
        listed,
        published.cidrs.flatMap(cidr => parseNetwork(cidr) ?? []),
      )
      if (differs)
        yield warning(
          [...path, 'allow'],
          `allow: it lacks ${differs.missing.slice(0, SHOWN).join(', ')}, from which ${provider.name} sends too, as of ${published.asOf}`,
          `write provider:${provider.id} in place of its networks`,
          'key',
        )
    }
  }
}

const isNetwork = (entry: unknown): entry is Network =>
  typeof entry === 'object' && entry !== null && 'bytes' in entry && 'prefix' in entry
