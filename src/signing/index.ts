import type { Provider } from './provider.ts'
import { github } from './providers/github.ts'
import { gitlab } from './providers/gitlab.ts'
import { intercom } from './providers/intercom.ts'
import { meta } from './providers/meta.ts'
import { shopify } from './providers/shopify.ts'
import { slack } from './providers/slack.ts'
import { standardWebhooks } from './providers/standard-webhooks.ts'
import { stripe } from './providers/stripe.ts'
import { telegram } from './providers/telegram.ts'
import { twilio } from './providers/twilio.ts'
import { zendesk } from './providers/zendesk.ts'

/** Every provider there is, by name. */
export const providers: readonly Provider[] = [
  github,
  gitlab,
  intercom,
  meta,
  shopify,
  slack,
  standardWebhooks,
  stripe,
  telegram,
  twilio,
  zendesk,
]

const byId = new Map(providers.map(provider => [provider.id, provider]))

export function providerOf(id: string): Provider | undefined {
  return byId.get(id)
}

/** The networks that a provider publishes for its webhooks; `undefined` for an unknown provider or one that has none. */
export function providerNetworks(id: string): readonly string[] | undefined {
  return byId.get(id)?.networks?.cidrs
}

/** The ids that `providerNetworks` knows, in alphabetical order. */
export function providersWithNetworks(): readonly string[] {
  return providers.filter(provider => provider.networks !== undefined).map(provider => provider.id)
}
