import type { ApiKeyConfig } from '../../checks/api-key.ts'
import type { BasicConfig } from '../../checks/basic.ts'
import type { BearerConfig } from '../../checks/bearer.ts'
import type { JwtConfig } from '../../checks/jwt-config.ts'
import type { SignatureConfig } from '../../checks/signature-config.ts'
import type { RouteConfig } from '../../config/model.ts'
import type { Member } from '../../core/check.ts'
import { Offline, type Resources } from '../../core/resources.ts'
import { SecretFault } from '../../signing/provider.ts'
import { type EventMaker, NoEvent } from './event-maker.ts'
import { signedEvents } from './event-signed.ts'
import { basicEvents, jwtEvents, tokenEvents } from './event-token.ts'

type Maker = (config: never, route: RouteConfig, resources: Resources) => EventMaker | NoEvent

/** How the checks are passed that say who it is; of the others nothing can be made. */
const MAKERS: Readonly<Record<string, Maker>> = {
  signature: (config: SignatureConfig, route, resources) => signedEvents(config, route, resources),
  bearer: ({ tokens }: BearerConfig, _route, resources) =>
    tokenEvents('bearer', tokens, resources, 'Authorization', 'Bearer '),
  'api-key': ({ keys, header }: ApiKeyConfig, _route, resources) => tokenEvents('api-key', keys, resources, header),
  basic: (config: BasicConfig, _route, resources) => basicEvents(config, resources),
  jwt: (config: JwtConfig, _route, resources) => jwtEvents(config, resources),
  introspection: () => new NoEvent('the authorization server alone makes its tokens'),
}

/** Of the first check of the route that can be answered with what the config refers to. */
export function eventMakerOf(route: RouteConfig, resources: Resources): EventMaker | NoEvent {
  // One that only reports refuses nothing.
  const found = flat(enforced(route)).map(member => makerOf(member, route, resources))
  return (
    found.find((maker): maker is EventMaker => maker !== undefined && !(maker instanceof NoEvent)) ??
    found.find(maker => maker !== undefined) ??
    new NoEvent('none of its checks that refuse verifies a signature or a token of the config')
  )
}

/** The checks that refuse: others only report what they would. */
export const enforced = ({ checks }: RouteConfig): RouteConfig['checks'] =>
  checks.filter(({ report }) => report !== true)

function flat(checks: readonly Pick<Member, 'kind' | 'config'>[]): Pick<Member, 'kind' | 'config'>[] {
  return checks.flatMap(check => (check.kind.members ? flat(check.kind.members(check.config)) : [check]))
}

function makerOf(
  { kind, config }: Pick<Member, 'kind' | 'config'>,
  route: RouteConfig,
  resources: Resources,
): EventMaker | NoEvent | undefined {
  try {
    return MAKERS[kind.name]?.(config as never, route, resources)
  } catch (error) {
    if (error instanceof Offline || error instanceof SecretFault) return new NoEvent(error.message)
    throw error
  }
}
