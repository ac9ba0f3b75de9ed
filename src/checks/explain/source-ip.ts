import { type Address, parseAddress, parseNetwork } from '../../core/address.ts'
import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { NetworkTable } from '../../core/network-table.ts'
import type { BodyRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import { providers } from '../../signing/index.ts'
import { type NetworkEntry, NetworkSources } from '../network-sources.ts'
import { likely, listed, possible, proven } from './finding.ts'
import { attempt } from './signature-keys.ts'

export interface SourceIpConfig {
  readonly allow: readonly NetworkEntry[]
  readonly deny: readonly NetworkEntry[]
}

/** RFC 1918, 6598, 3927, 4193, 4291 and the loopback: nobody out there has such an address. */
const PRIVATE = tableOf([
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  '127.0.0.0/8',
  'fc00::/7',
  'fe80::/10',
  '::1',
])
/** What proxies call the address that they speak for. */
const ALONE = [
  'cf-connecting-ip',
  'true-client-ip',
  'x-real-ip',
  'x-client-ip',
  'fastly-client-ip',
  'x-azure-clientip',
] as const
const TRUST = 'add it to trusted-proxies of the listener, so that X-Forwarded-For is believed from it'

/** Whose address it is that was refused, and which one is meant. */
export function explainSourceIp(
  config: SourceIpConfig,
  { request, refusal, elsewhere }: Explaining<SourceIpConfig>,
  resources: Resources,
): readonly Finding[] {
  const { source } = request
  const has = (entries: readonly NetworkEntry[], address: Address, from = resources): boolean =>
    attempt(() => new NetworkSources(entries, from, 'nobody').has(address)) ?? false
  const missing = refusal.evidence?.['not-fetched']
  if (refusal.code === 'source-ip.unready') return []
  if (refusal.evidence?.because === 'in deny') {
    const entry = config.deny.find(one => has([one], source))
    return [
      proven({
        cause: 'source-ip.denied',
        because: `deny holds ${source.text}${entry ? `, by ${nameOf(entry)}` : ''}${has(config.allow, source) ? ', and allow holds it too' : ''}`,
        mend: 'take it out of deny, if the sender is genuine: deny goes before allow',
      }),
    ]
  }
  const findings: Finding[] = []
  const forwarded = forwardedOf(request)
  const meant = forwarded.find(({ address }) => has(config.allow, address))
  const byPeer = request.peer?.text === source.text
  const inside = PRIVATE.has(source)
  const own = (cause: string, who: string): void => {
    if (meant)
      findings.push(
        proven({
          cause: `source-ip.${cause}`,
          because: `${source.text} is ${who}, and ${meant.field} names ${meant.address.text}, which allow holds`,
          evidence: { source: source.text, named: meant.address.text, field: meant.field },
          mend:
            meant.field === 'x-forwarded-for' || meant.field === 'forwarded'
              ? TRUST
              : `${TRUST}, and let it send X-Forwarded-For`,
        }),
      )
    else if (forwarded[0])
      findings.push(
        likely({
          cause: `source-ip.${cause}`,
          because: `${source.text} is ${who}, which speaks for ${forwarded[0].address.text} (${forwarded[0].field}); allow holds neither`,
          evidence: { source: source.text, named: forwarded[0].address.text },
          mend: `${TRUST}; then add the sender's network to allow`,
        }),
      )
  }
  if (inside && byPeer) own('own-proxy', "your own load balancer's, or that of a network of yours")
  else if (byPeer && meant) own('own-proxy', 'that of a proxy or content delivery network')
  else if (!byPeer && meant) own('second-proxy', 'that of a second proxy behind the first')
  if (inside && forwarded.length === 0)
    findings.push(
      likely({
        cause: 'source-ip.hidden-by-nat',
        because: `${source.text} is an address of a private network: a load balancer or a NAT of your own hides the sender's`,
        evidence: { source: source.text },
        mend: 'let the load balancer send X-Forwarded-For (then trusted-proxies) or the PROXY protocol (then proxy-protocol); in containers, publish the port without the userland proxy',
      }),
    )
  // The address of a proxy says nothing of the sender, whoever else admits it.
  if (meant && findings.length > 0) return findings
  const admitting = elsewhere
    .filter(
      ({ config: theirs, resources: world }) => has(theirs.allow, source, world) && !has(theirs.deny, source, world),
    )
    .map(({ route }) => route)
  if (admitting.length > 0) findings.push(otherRoute(admitting, source))
  for (const { id, name, networks } of providers)
    if (networks && tableOf(networks.cidrs).has(source))
      findings.push(
        proven({
          cause: 'source-ip.other-provider',
          because: `${source.text} is one of the addresses that ${name} publishes`,
          evidence: { provider: id },
          mend: `add provider:${id} to allow, if ${name} is to send here`,
        }),
      )
  if (findings.length > 0) return findings
  return [...byList(config, source, missing), ...remaining(config, source)]
}

function otherRoute(routes: readonly string[], source: Address): Finding {
  const word = routes.length === 1 ? 'the route' : 'the routes'
  const local = isLoopback(source)
  // What reaches the gate from its own host is often a tunnel or a proxy, and admitted by bridges.
  return (local ? possible : proven)({
    cause: 'source-ip.other-route',
    because: `${word} ${listed(routes.slice(0, 4))} ${routes.length === 1 ? 'admits' : 'admit'} ${source.text}`,
    evidence: { routes: routes.slice(0, 20) },
    mend: `mend the URL in the sender if the request is meant for ${routes.length === 1 ? String(routes[0]) : 'one of them'}; else add its network here too`,
  })
}

const isLoopback = ({ text }: Address): boolean => text.startsWith('127.') || text === '::1'

function byList(config: SourceIpConfig, source: Address, missing: unknown): readonly Finding[] {
  if (Array.isArray(missing) && missing.length > 0)
    return [
      likely({
        cause: 'source-ip.feed-missing',
        because: `${listed(missing.map(String))} has not been fetched yet, so nobody is admitted by it`,
        mend: 'see the log for why it can not be fetched',
      }),
    ]
  const fixed = config.allow.filter(entry => 'bytes' in entry)
  if (fixed.length === config.allow.length && fixed.every(({ family }) => family !== source.family))
    return [
      likely({
        cause: 'source-ip.other-family',
        because: `it came over IPv${source.family}, and allow holds IPv${source.family === 4 ? 6 : 4} networks alone`,
        mend: `add the sender's IPv${source.family} network to allow, or take the ${source.family === 6 ? 'AAAA' : 'A'} record out of the name`,
      }),
    ]
  const beside = fixed.find(one => one.family === source.family && isBeside(one, source))
  if (beside)
    return [
      likely({
        cause: 'source-ip.beside',
        because: `${source.text} lies just beside ${nameOf(beside)} of allow`,
        mend: 'compare the prefix length with what the sender publishes: it may have more addresses there',
      }),
    ]
  return []
}

function remaining({ allow }: SourceIpConfig, source: Address): readonly Finding[] {
  const lists = allow.filter(entry => !('bytes' in entry))
  return [
    ...lists.map(entry =>
      possible({
        cause: 'source-ip.list-old',
        because: `${nameOf(entry)} is older than what its owner publishes now`,
        mend: 'compare it with the current list; a feed reads it anew by itself',
      }),
    ),
    possible({
      cause: 'source-ip.unknown',
      because: `${source.text} is in no list of the config: a new address of the sender, or a stranger`,
      evidence: { source: source.text },
      mend: 'add its network to allow, if the sender confirms it',
    }),
  ]
}

/** The addresses that fields of the request name, the nearest to the gate first. */
function forwardedOf({ headers }: BodyRequest): readonly { readonly address: Address; readonly field: string }[] {
  const texts = [
    ...headers
      .all('x-forwarded-for')
      .join(',')
      .split(',')
      .reverse()
      .map(text => ['x-forwarded-for', text] as const),
    ...[
      ...headers
        .all('forwarded')
        .join(',')
        .matchAll(/for="?\[?([0-9a-fA-F.:]+)/g),
    ]
      .reverse()
      .map(match => ['forwarded', match[1] ?? ''] as const),
    ...ALONE.flatMap(field => headers.all(field).map(text => [field, text] as const)),
  ]
  return texts.slice(0, 64).flatMap(([field, text]) => {
    const address = parseAddress(text.trim())
    return address && !PRIVATE.has(address) ? [{ address, field }] : []
  })
}

function tableOf(texts: readonly string[]): NetworkTable {
  return new NetworkTable(texts.flatMap(text => parseNetwork(text) ?? []))
}

/** In the same /24, or /48 of IPv6, as a network. */
function isBeside(network: { readonly bytes: readonly number[] }, source: Address): boolean {
  const bytes = source.family === 4 ? 3 : 6
  return network.bytes.slice(0, bytes).every((byte, at) => byte === source.bytes[at])
}

function nameOf(entry: NetworkEntry): string {
  if ('feed' in entry) return `the feed ${entry.feed}`
  if ('file' in entry) return `the file ${entry.file}`
  if ('provider' in entry) return `provider:${entry.provider} (as of ${entry['as-of']})`
  const { family, bytes, prefix } = entry
  const text = family === 4 ? bytes.join('.') : (parseAddress(groupsOf(bytes))?.text ?? groupsOf(bytes))
  return `${text}/${prefix}`
}

const groupsOf = (bytes: readonly number[]): string =>
  Array.from({ length: 8 }, (_, at) => (((bytes[at * 2] ?? 0) << 8) | (bytes[at * 2 + 1] ?? 0)).toString(16)).join(':')

export const isPrivate = (address: Address): boolean => PRIVATE.has(address)
export const namesSender = (request: BodyRequest): boolean => forwardedOf(request).length > 0
