import { type Network, parseNetwork } from '../core/address.ts'
import { type Finding, fail, ok, warn } from '../core/finding.ts'
import type { Remote } from '../core/remote.ts'
import type { Resources } from '../core/resources.ts'
import { providerOf } from '../signing/index.ts'
import type { NetworkList } from './network-list.ts'
import { type FeedEntry, followFeed, type NetworkEntry } from './network-sources.ts'
import { listDifference } from './published-networks.ts'

const SHOWN = 5
const HOUR_MS = 3_600_000

/** What is wrong with the lists of a `source-ip`: feeds that can't be had, and networks that a provider has changed. */
export async function* lookAtNetworks(
  { allow, deny }: { readonly allow: readonly NetworkEntry[]; readonly deny: readonly NetworkEntry[] },
  resources: Resources,
): AsyncGenerator<Finding> {
  for (const entry of [...allow, ...deny]) if ('feed' in entry) yield await feedFinding(entry, resources)
  const plain = allow.flatMap(entry => ('bytes' in entry ? [entry] : []))
  // A list that names feeds, files or a provider as well is not a copy of what the provider publishes.
  if (plain.length === allow.length) yield* comparison(plain, resources)
}

async function feedFinding(entry: FeedEntry, resources: Resources): Promise<Finding> {
  const remote = followFeed(entry, resources, '')
  const list = await latest(remote)
  const fault = remote.fault()
  const { host } = new URL(entry.feed)
  if (list && !fault)
    return ok('source-ip.feed', `${host} publishes ${list.entries.size} networks`, { networks: list.entries.size })
  return fail(
    'source-ip.feed-unreachable',
    `the feed of ${host} ${fault?.message ?? 'can not be fetched'}`,
    fault?.mend ?? 'ask for it by hand from this host',
  )
}

async function latest(remote: Remote<NetworkList>): Promise<NetworkList | undefined> {
  return remote.current() ?? (await remote.refresh())
}

async function* comparison(listed: readonly Network[], resources: Resources): AsyncGenerator<Finding> {
  const provider = providerOf(resources.signedBy?.provider ?? '')
  const feed = provider?.networkFeed
  if (provider === undefined || feed === undefined) return
  const remote = followFeed({ feed: feed.url, select: [feed.select], every: HOUR_MS }, resources, '')
  const list = await latest(remote)
  if (list === undefined) {
    yield ok(
      'source-ip.not-compared',
      `allow was not compared with the list of ${provider.name}: it ${remote.fault()?.message ?? 'can not be fetched'}`,
    )
    return
  }
  const published = [...list.entries].flatMap(entry => parseNetwork(entry) ?? [])
  const differs = listDifference(listed, published)
  if (differs === undefined) return
  yield warn(
    'source-ip.networks-differ',
    `allow lacks ${differs.missing.slice(0, SHOWN).join(', ')}${differs.missing.length > SHOWN ? ` and ${differs.missing.length - SHOWN} more` : ''}, from which ${provider.name} sends today`,
    `let the gate follow the list: { feed: ${feed.url}, select: "${feed.select}" }`,
    { evidence: { missing: differs.missing.slice(0, 20), beyond: differs.beyond.slice(0, 20) } },
  )
}
