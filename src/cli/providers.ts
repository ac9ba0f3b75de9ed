import { formatDuration } from '../core/units.ts'
import { challenges } from '../signing/challenges/index.ts'
import { providers as all, unsignedServices } from '../signing/index.ts'
import type { Provider, UnsignedService } from '../signing/provider.ts'
import { type SpelledOutService, spelledOutServices } from '../signing/spelled-out.ts'
import { namedService } from './arguments.ts'
import { tellFault } from './fault.ts'
import { routeConfig } from './providers-config.ts'
import { plainSpelledOut, spelledOutList, spelledOutPage } from './providers-spelled-out.ts'
import { table } from './table.ts'
import { EXIT, type Verb, wrongUsage } from './verb.ts'

/** What the gate knows of the services that send. */
export const providers: Verb = {
  name: 'providers',
  summary: 'Lists the services that it knows; of one: how it signs, where its secret is, what to paste.',
  usage: '[NAME] [--json]',
  examples: ['sallyport providers', 'sallyport providers zendesk', 'sallyport providers telegram --json'],
  options: {
    json: { type: 'boolean', description: 'Print JSON.' },
  },
  async run({ values, positionals }, io) {
    const [name, ...rest] = positionals
    if (rest.length > 0) return wrongUsage(io, providers, 'more than one provider is named')
    try {
      const shown = name === undefined ? undefined : namedService(name)
      const told = shown ? plain(shown) : [...all, ...unsignedServices, ...spelledOutServices].map(plain)
      if (values.json === true) io.stdout.write(`${JSON.stringify(told, null, 2)}\n`)
      else io.stdout.write(shown ? page(shown) : list())
      return EXIT.ok
    } catch (error) {
      return tellFault(io, 'providers', error)
    }
  },
}

function list(): string {
  const rows = all.map(provider => [
    provider.id,
    provider.name,
    provider.scheme.kind,
    toleranceOf(provider) ?? 'none',
    eventIdOf(provider) ?? 'none',
  ])
  rows.push(...unsignedServices.map(({ id, name, instead }) => [id, name, `none: ${instead.check}`, 'none', 'none']))
  return `${table(['provider', 'service', 'scheme', 'timestamp', 'event id'], rows)}\n${spelledOutList()}\nsallyport providers NAME tells more.\n`
}

function page(service: Provider | UnsignedService | SpelledOutService): string {
  if ('restsOn' in service) return spelledOutPage(service)
  const { id, name, traps, response } = service
  const fields: (readonly [string, string | undefined])[] = [
    ['scheme', service.summary],
    ['page', service.page],
    ...('scheme' in service ? signedFields(service) : ([['instead', service.instead.check]] as const)),
    ['challenge', challengeOf(id)],
    ['response', response],
    ['traps', traps.join('\n')],
  ]
  const lines = fields.flatMap(([label, text]) =>
    text === undefined ? [] : [`  ${label.padEnd(10)} ${text.replaceAll('\n', `\n${' '.repeat(13)}`)}\n`],
  )
  return `${name} (${id})\n\n${lines.join('')}\nUnder routes, to paste:\n\n${routeConfig(service)}`
}

function signedFields(provider: Provider): (readonly [string, string | undefined])[] {
  const { scheme, secret, publicKey, settings, networks, networkFeed, passHeaders } = provider
  const tolerance = toleranceOf(provider)
  const own = Object.entries(settings?.shape ?? {}).map(([key, type]) => `${key}: ${type.description ?? ''}`)
  return [
    ['headers', scheme.headers.length === 0 ? 'none: the signature stands in the body' : scheme.headers.join(', ')],
    [
      'timestamp',
      tolerance === undefined ? 'none is signed' : `signed; ${tolerance} either way unless the config says otherwise`,
    ],
    ['event id', [eventIdOf(provider) ?? 'none', provider.eventId?.page ?? []].flat().join('\n')],
    ['event type', passHeaders && `${passHeaders.join(', ')}, not signed`],
    ['secret', secret && `${secret.looks}\n${secret.where}`],
    ['public key', publicKey && `${publicKey.looks}\n${publicKey.where}`],
    ['settings', own.length === 0 ? undefined : own.join('\n')],
    ['networks', networks && `${networks.cidrs.join(', ')}\nas of ${networks.asOf}, ${networks.page}`],
    [
      'feed',
      networkFeed &&
        `its networks, to be read anew: { feed: ${networkFeed.url}, select: "${networkFeed.select}" }\n${networkFeed.page}`,
    ],
  ]
}

function plain(service: Provider | UnsignedService | SpelledOutService): Record<string, unknown> {
  if ('restsOn' in service) return plainSpelledOut(service)
  const { id, name, page, summary, accept, passHeaders, traps, response } = service
  return {
    id,
    name,
    page,
    summary,
    ...('scheme' in service ? plainScheme(service) : { scheme: null, instead: service.instead.check }),
    accept: accept ?? ['json'],
    'pass-headers': passHeaders ?? [],
    challenge: challengeOf(id) ?? null,
    response: response ?? null,
    traps,
    config: routeConfig(service),
  }
}

function plainScheme(provider: Provider): Record<string, unknown> {
  const { scheme, secret, publicKey, settings, eventId, networks, networkFeed } = provider
  const told = (form: Provider['secret'] | Provider['publicKey']) =>
    form ? { looks: form.looks, where: form.where, 'made-by': form.madeBy } : null
  return {
    scheme: scheme.kind,
    headers: scheme.headers,
    'tolerance-s': scheme.tolerance === undefined ? null : scheme.tolerance / 1000,
    secret: told(secret),
    'public-key': told(publicKey),
    settings: Object.entries(settings?.shape ?? {}).map(([key, type]) => ({ key, about: type.description ?? '' })),
    'event-id': eventId ?? null,
    networks: networks ?? null,
    'network-feed': networkFeed ?? null,
  }
}

function toleranceOf({ scheme }: Provider): string | undefined {
  return scheme.tolerance === undefined ? undefined : formatDuration(scheme.tolerance)
}

/** What the check "challenge" does for it. */
function challengeOf(id: string): string | undefined {
  const found = challenges.get(id)
  if (found === undefined) return undefined
  const needs = found.kind === 'signed' ? 'challenge: {}' : `challenge: { ${found.needs}: ... }`
  return `${found.summary}\nanswered by ${needs}, ${found.page}`
}

function eventIdOf({ eventId }: Provider): string | undefined {
  if (eventId === undefined) return undefined
  if ('claim' in eventId) return `${eventId.claim} of the token`
  if ('json' in eventId) return `${eventId.json.join('.')} of the body${eventId.signed === false ? ', not signed' : ''}`
  return `${eventId.header}, ${eventId.signed ? 'signed' : 'not signed'}`
}
