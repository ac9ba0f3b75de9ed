import { z } from 'zod'
import { type Network, parseNetwork } from '../core/address.ts'
import { defineCheck } from '../core/check.ts'
import { ALLOW, deny } from '../core/decision.ts'
import { NetworkTable } from '../core/network-table.ts'
import { providerNetworks, providersWithNetworks } from '../signing/index.ts'

const PROVIDER = 'provider:'

/** One entry of a list: a network, or all that a provider documents. */
const networks = z.string().transform((text, context): readonly Network[] => {
  const refuse = (message: string) => {
    context.issues.push({ code: 'custom', message, input: text })
    return z.NEVER
  }
  if (!text.startsWith(PROVIDER)) {
    const network = parseNetwork(text)
    return network ? [network] : refuse(`"${text}" is no network: write an address or CIDR, e.g. 192.0.2.0/24`)
  }
  const documented = providerNetworks(text.slice(PROVIDER.length))
  if (!documented)
    return refuse(
      `no networks are known for "${text}": known are ${providersWithNetworks()
        .map(id => PROVIDER + id)
        .join(', ')}`,
    )
  return documented.flatMap(one => parseNetwork(one) ?? refuse(`"${one}" of ${text} is no network`))
})

const list = z.array(networks).transform(entries => entries.flat())

export const sourceIp = defineCheck({
  name: 'source-ip',
  stage: 'head',
  summary:
    'Admits requests from the listed networks only. IPv4 written in IPv6 form counts as IPv4; ::/0 holds IPv6 alone.',
  example: 'source-ip: { allow: [provider:telegram, 192.0.2.0/24, "2001:db8::/32"], deny: [192.0.2.66] }',
  config: z.strictObject({
    allow: list
      .refine(all => all.length > 0, 'an empty list admits nobody: name at least one network')
      .describe('CIDR networks, addresses, or provider:NAME for the networks that a provider documents.'),
    deny: list.default([]).describe('Networks that are refused even where allow holds them.'),
  }),
  denials: {
    'source-ip.outside': {
      status: 403,
      title: 'Address not allowed',
      meaning: 'The request came from an address that the route does not admit.',
      remedy:
        "If the sender is genuine, add its network to allow. If the evidence shows your own load balancer's address, add that to the listener's trusted-proxies.",
    },
  },
  create(config) {
    const allowed = new NetworkTable(config.allow)
    const denied = new NetworkTable(config.deny)
    const denies = denied.size > 0
    return {
      decide(request) {
        const { source } = request
        if (denies && denied.has(source)) return deny('source-ip.outside', { source: source.text, because: 'in deny' })
        if (allowed.has(source)) return ALLOW
        return deny('source-ip.outside', { source: source.text, because: 'not in allow' })
      },
    }
  },
})
