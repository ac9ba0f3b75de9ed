import { z } from 'zod'
import type { Address } from '../core/address.ts'
import { defineCheck } from '../core/check.ts'
import { ALLOW, type Decision, deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { NetworkSources, networkEntry } from './network-sources.ts'

type Code = 'source-ip.outside' | 'source-ip.unready'

const list = z.array(networkEntry)

export const sourceIp = defineCheck({
  name: 'source-ip',
  stage: 'head',
  beforeGreeting: true,
  summary:
    'Admits requests from the listed networks only. IPv4 written in IPv6 form counts as IPv4; ::/0 holds IPv6 alone.',
  example:
    'source-ip: { allow: [provider:telegram, 192.0.2.0/24, "2001:db8::/32", { file: partners.txt }], deny: [192.0.2.66] }',
  config: late(() =>
    z.strictObject({
      allow: list
        .refine(all => all.length > 0, 'an empty list admits nobody: name at least one network')
        .describe(
          'CIDR networks, addresses, provider:NAME for the networks that a provider publishes, { file: PATH }, { feed: URL }.',
        ),
      deny: list.default([]).describe('Networks that are refused even where allow holds them; written as in allow.'),
    }),
  ),
  denials: {
    'source-ip.outside': {
      status: 403,
      title: 'Address not allowed',
      meaning: 'The request came from an address that the route does not admit.',
      remedy:
        "If the sender is genuine, add its network to allow. If the evidence shows your own load balancer's address, add that to the listener's trusted-proxies.",
    },
    'source-ip.unready': {
      status: 503,
      title: 'Temporarily unavailable',
      meaning: 'A feed that deny names has not been fetched yet, so whether the address is refused is not known.',
      remedy: 'The log says why the feed can not be fetched. Mend that, or take the feed out of deny.',
      headers: [['Retry-After', '30']],
    },
  },
  async *doctor(config, resources) {
    yield* (await import('./network-doctor.ts')).lookAtNetworks(config, resources)
  },
  create(config, resources) {
    const allowed = new NetworkSources(config.allow, resources, 'nobody is admitted by it')
    const denied = new NetworkSources(config.deny, resources, 'the route refuses everybody (503)')
    const denies = !denied.empty
    // A flood comes from few.
    let last: { readonly source: Address; readonly denial: Decision<Code> } | undefined
    return {
      decide(request) {
        const { source } = request
        if (denies) {
          if (denied.has(source)) return deny('source-ip.outside', { source: source.text, because: 'in deny' })
          const missing = denied.missing()
          if (missing.length > 0) return deny('source-ip.unready', { source: source.text, 'not-fetched': missing })
        }
        if (allowed.has(source)) return ALLOW
        const missing = allowed.missing()
        if (missing.length > 0)
          return deny('source-ip.outside', { source: source.text, because: 'not in allow', 'not-fetched': missing })
        if (last?.source !== source)
          last = { source, denial: deny('source-ip.outside', { source: source.text, because: 'not in allow' }) }
        return last.denial
      },
    }
  },
  explain: async (config, asked, resources) =>
    (await import('./explain/source-ip.ts')).explainSourceIp(config, asked, resources),
})
