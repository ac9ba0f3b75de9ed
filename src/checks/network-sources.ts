import { z } from 'zod'
import { type Address, type Network, parseNetwork } from '../core/address.ts'
import { late } from '../core/late-schema.ts'
import { NetworkTable } from '../core/network-table.ts'
import { type Remote, RemoteFault, readRemoteUrl } from '../core/remote.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { duration } from '../core/units.ts'
import { providerOf, providersWithNetworks } from '../signing/index.ts'
import { type JsonSelect, parseSelect } from './json-select.ts'
import { changesOf, type NetworkList, readJson, readLines } from './network-list.ts'

const PROVIDER = 'provider:'
const EVERY_MS = 3_600_000
const SOONEST_MS = 10_000
/** Room for some 100,000 networks. */
const FEED_BYTES = 8 * 1024 * 1024

/** The networks that a provider publishes, as of the day that they were put into this release. */
export interface ProviderEntry {
  readonly provider: string
  readonly 'as-of': string
  readonly networks: readonly Network[]
}

export interface FileEntry {
  readonly file: string
}

export interface FeedEntry {
  readonly feed: string
  /** Empty: a text list. */
  readonly select: readonly string[]
  /** Milliseconds. */
  readonly every: number
}

/** One entry of a list of networks, as the config has it. */
export type NetworkEntry = Network | ProviderEntry | FileEntry | FeedEntry

const select = z
  .string()
  .refine(
    text => parseSelect(text) !== undefined,
    'is no selector: write $ and then .name, ["name"] in single quotes, [0] or [*], e.g. "$.prefixes[*].cidr"',
  )

const place = late(() =>
  z
    .strictObject({
      file: z
        .string()
        .min(1)
        .optional()
        .describe('A file with one network a line, relative to this config; # begins a comment. Watched.'),
      feed: z
        .string()
        .optional()
        .describe('The URL of a list that is refreshed; https, or http on this host. The last good copy is kept.'),
      select: z
        .union([select, z.array(select).min(1)])
        .optional()
        .describe(
          "Where the networks stand in a JSON feed, by a part of JSONPath: $, .name, ['name'], [0], [*]; or several. Without it the feed is text, one network a line.",
        ),
      every: duration()
        .refine(ms => ms >= SOONEST_MS, 'must be at least 10s')
        .optional()
        .describe('How often the feed is refreshed. Default 1h.'),
    })
    .refine(({ file, feed }) => (file === undefined) !== (feed === undefined), 'takes one of file, feed')
    .refine(
      ({ file, select, every }) => file === undefined || (select === undefined && every === undefined),
      'a file takes neither select nor every',
    )
    .describe('{ file: PATH } or { feed: URL, select: PATH, every: 1h }.'),
)

/** A network, all that a provider publishes, a file or a feed. */
export const networkEntry = z.union([z.string(), place]).transform((value, context): NetworkEntry => {
  const refuse = (message: string) => {
    context.issues.push({ code: 'custom', message, input: value })
    return z.NEVER
  }
  if (typeof value === 'string') {
    const entry = value.startsWith(PROVIDER) ? published(value.slice(PROVIDER.length)) : parseNetwork(value)
    if (typeof entry === 'string') return refuse(entry)
    return entry ?? refuse(`"${value}" is no network: write an address or CIDR, e.g. 192.0.2.0/24`)
  }
  if (value.feed === undefined) return { file: value.file ?? '' }
  const url = readRemoteUrl(value.feed)
  if (url instanceof RemoteFault) return refuse(`the feed's address ${url.message}: ${url.mend}`)
  return { feed: value.feed, select: [value.select ?? []].flat(), every: value.every ?? EVERY_MS }
})

/** A provider's entry, or the sentence why there is none. */
function published(id: string): ProviderEntry | string {
  const provider = providerOf(id)
  if (provider?.networks)
    return {
      provider: id,
      'as-of': provider.networks.asOf,
      networks: provider.networks.cidrs.flatMap(cidr => parseNetwork(cidr) ?? []),
    }
  const feed = provider?.networkFeed
  if (feed)
    return `${provider.name} publishes its networks as a feed that changes: write { feed: ${feed.url}, select: "${feed.select}" }`
  const known = providersWithNetworks().map(known => PROVIDER + known)
  return `no networks are known for "${PROVIDER}${id}": known are ${known.join(', ')}`
}

/** A list of networks, live: what stands in the config and its files, and the feeds as they are now. */
export class NetworkSources {
  readonly #fixed: NetworkTable
  readonly #feeds: readonly Remote<NetworkList>[]
  readonly #urls: readonly string[]

  /** @throws Offline where a file is missing or holds something else than networks. */
  constructor(entries: readonly NetworkEntry[], resources: Resources, without: string) {
    const fixed: Network[] = []
    const feeds: FeedEntry[] = []
    for (const entry of entries) {
      if ('feed' in entry) feeds.push(entry)
      else if ('file' in entry) fixed.push(...readFile(entry.file, resources))
      else if ('provider' in entry) fixed.push(...entry.networks)
      else fixed.push(entry)
    }
    this.#fixed = new NetworkTable(fixed)
    this.#urls = feeds.map(({ feed }) => feed)
    this.#feeds = feeds.map(entry => followFeed(entry, resources, without))
  }

  get empty(): boolean {
    return this.#fixed.size === 0 && this.#feeds.length === 0
  }

  has(address: Address): boolean {
    if (this.#fixed.has(address)) return true
    for (const feed of this.#feeds) if (feed.current()?.table.has(address)) return true
    return false
  }

  /** Feeds that have given no good copy yet. */
  missing(): readonly string[] {
    return this.#urls.filter((_url, index) => this.#feeds[index]?.current() === undefined)
  }
}

/** The networks of a feed, fetched and kept up to date. */
export function followFeed(
  { feed, select, every }: FeedEntry,
  resources: Resources,
  without: string,
): Remote<NetworkList> {
  const selects = select.map(parseSelect).filter((one): one is JsonSelect => one !== undefined)
  return resources.remote<NetworkList>(feed, {
    parse: bytes => (selects.length === 0 ? readLines(bytes.toString('utf8')) : readJson(bytes, selects)),
    changed: changesOf,
    without,
    every,
    maxBytes: FEED_BYTES,
  })
}

function readFile(path: string, resources: Resources): readonly Network[] {
  const list = readLines(resources.file(path).toString('utf8'))
  if (list instanceof RemoteFault) throw new Offline(`${path}: ${list.message}`, 'write one network a line')
  return [...list.entries].flatMap(entry => parseNetwork(entry) ?? [])
}
