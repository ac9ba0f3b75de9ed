import { signature } from '../../src/checks/signature.ts'
import { routeConfig } from '../../src/cli/providers-config.ts'
import { templateOf } from '../../src/cli/providers-spelled-out.ts'
import { formatDuration } from '../../src/core/units.ts'
import { providers, unsignedServices } from '../../src/signing/index.ts'
import type { Provider, UnsignedService } from '../../src/signing/provider.ts'
import { spelledOutServices, UNCONFIRMED } from '../../src/signing/spelled-out.ts'
import { anchor, code, fenced, GENERATED, page, table } from './markdown.ts'

/** docs/reference/providers/README.md */
export function providersPage(): string {
  return page(
    '# Providers',
    GENERATED,
    `A provider is a service whose way of signing the gate knows: \`signature: { provider: NAME, ... }\` is all that its config
needs. \`sallyport providers NAME\` prints what its page here says. A service that is not listed is described by its scheme:
see [signature](../checks.md#signature), "With \`scheme\`". For services of which no official word was found, or that sign
nothing, [templates](spelled-out.md) say what is known.`,
    providerTable(''),
  )
}

/** docs/reference/providers/spelled-out.md */
export function spelledOutPage(): string {
  return page(
    '# Services to be spelled out',
    GENERATED,
    `These are no providers: no page of theirs that says how they sign could be read, or they sign nothing. What is known of
them stands here with what it rests on, and is never taken for a fact: \`provider: NAME\` does not take them.
\`sallyport providers NAME\` prints the same template.`,
    UNCONFIRMED,
    ...spelledOutServices.map(service =>
      page(
        `## ${service.name}`,
        service.signs
          ? service.known
          : `${service.known} So there is nothing to verify; what stands below keeps strangers out.`,
        service.restsOn,
        ...service.steps,
        fenced('yaml', `routes:\n${templateOf(service)}`),
      ).trimEnd(),
    ),
  )
}

/** Name, scheme and event id of every provider. */
export function providerTable(folder: string): string {
  return table(
    ['provider', 'service', 'what is signed, and how'],
    [...providers, ...unsignedServices]
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map(({ id, name, summary }) => [`[${code(id)}](${folder}${id}.md)`, name, summary]),
  )
}

/** docs/reference/providers/ID.md */
export function providerPage(service: Provider | UnsignedService): string {
  const { id, name, page: source, summary, traps, response } = service
  const networks = 'scheme' in service ? service.networks : undefined
  return page(
    `# ${name}`,
    GENERATED,
    summary,
    `Source: <${source}>`,
    'scheme' in service
      ? keysOf(service)
      : `## Instead of a signature\n\n[${code(service.instead.check)}](../checks.md#${anchor(service.instead.check)}) tells its requests from others.`,
    'scheme' in service ? ownSettings(service) : '',
    `## Config\n\n${fenced('yaml', `routes:\n${routeConfig(service)}`)}`,
    'scheme' in service ? `## What is checked\n\n${checked(service)}` : '',
    'scheme' in service ? `## What its refusals mean\n\n${refusals(service)}` : '',
    `## Traps\n\n${traps.map(trap => `- ${trap}`).join('\n')}`,
    response === undefined ? '' : `## What it expects of the answer\n\n${response}`,
    networks === undefined
      ? ''
      : `## Networks\n\n\`source-ip: { allow: [provider:${id}] }\` admits ${networks.cidrs.map(code).join(', ')}, as <${networks.page}> said on ${networks.asOf}.`,
  )
}

const UNFIT = "One that can't be this service's is not used: the route is offline (503) and the log says why."

function keysOf({ secret, publicKey }: Provider): string {
  const parts = [
    secret && `## The secret\n\nWhere it is found: ${secret.where}\n\nWhat it looks like: ${secret.looks}. ${UNFIT}`,
    publicKey &&
      `## The public key\n\nWhere it is found: ${publicKey.where}\n\nWhat it looks like: ${publicKey.looks}. It stands under \`keys\`; PEM, a JWK or the base64 of DER will do as well. ${UNFIT}`,
  ]
  return parts.filter(part => part !== undefined).join('\n\n')
}

function ownSettings({ settings }: Provider): string {
  if (settings === undefined) return ''
  const rows = Object.entries(settings.shape).map(([key, type]) => [
    code(key),
    type.safeParse(undefined).success ? '' : 'required',
    type.description ?? '',
  ])
  return `## Its own settings\n\n${table(['key', 'default', 'what it is'], rows)}`
}

function checked(provider: Provider): string {
  const { scheme, eventId, passHeaders } = provider
  const { headers } = scheme
  const rows = [
    ['scheme', code(scheme.kind)],
    ['headers', headers.length === 0 ? 'none: the signature stands in the body' : headers.map(code).join(', ')],
    [
      'timestamp',
      scheme.tolerance === undefined
        ? 'none is signed; `replay` tells a second delivery'
        : `signed; at most ${formatDuration(scheme.tolerance)} old or ahead, or what \`tolerance\` says`,
    ],
    ...(passHeaders
      ? [['event type', `${passHeaders.map(code).join(', ')}, not signed; \`pass-headers\` lets it through`]]
      : []),
    ['event id', eventId === undefined ? 'none; `replay` remembers the signature or the body' : placeOf(eventId)],
  ]
  return table(['what', 'how'], rows)
}

function placeOf(place: NonNullable<Provider['eventId']>): string {
  const signed = place.signed !== false ? 'signed' : 'not signed, so `replay` remembers the signature beside it'
  if ('claim' in place) return `${code(place.claim)} of the token; it reaches the CRM as \`Sallyport-Event-Id\``
  if ('json' in place)
    return `${code(place.json.join('.'))} of the body${place.signed === false ? `, ${signed}` : ''}; it reaches the CRM as \`Sallyport-Event-Id\``
  return `${code(place.header)}, ${signed}; it reaches the CRM as \`Sallyport-Event-Id\``
}

function refusals(provider: Provider): string {
  const carriers = provider.scheme.headers.map(code).join(' or ') || 'The signature in the body'
  const here: Readonly<Record<string, string>> = {
    'signature.missing': `${carriers} is not there.`,
    ...(provider.scheme.kind === 'token' && {
      'signature.malformed': `${carriers} comes more than once.`,
      'signature.mismatch': `${carriers} holds another token than the config's.`,
    }),
  }
  const denials = signature.denials
  const codes = Object.keys(denials).filter(
    (name): name is keyof typeof denials =>
      // No service lets a route say what must be covered: that is for RFC 9421.
      name !== 'signature.incomplete' &&
      (name !== 'signature.expired' || provider.scheme.tolerance !== undefined) &&
      (name !== 'signature.unavailable' || (provider.secret === undefined && provider.publicKey === undefined)),
  )
  const rows = codes.map(name => {
    const meaning = here[name] ?? denials[name].meaning
    return [
      `[${code(name)}](../codes.md#${anchor(name)})`,
      meaning,
      denials[name].remedy.replaceAll('NAME', provider.id),
    ]
  })
  return table(['code', 'what it means here', 'what mends it'], rows)
}
