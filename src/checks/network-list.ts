import { type Network, parseNetwork } from '../core/address.ts'
import { checkJson } from '../core/json.ts'
import { NetworkTable } from '../core/network-table.ts'
import { RemoteFault } from '../core/remote.ts'
import type { JsonSelect } from './json-select.ts'

/** A list of networks as it was published. */
export interface NetworkList {
  readonly table: NetworkTable
  /** The entries as written. */
  readonly entries: ReadonlySet<string>
}

const MEND =
  'the whole list is refused, so that no part of it goes missing unseen: mend the entry where it is published'

/** One network or address a line; `#` begins a comment. */
export function readLines(text: string): NetworkList | RemoteFault {
  const entries: string[] = []
  const networks: Network[] = []
  let number = 0
  for (const line of text.replace(/^\ufeff/, '').split('\n')) {
    number++
    const mark = line.indexOf('#')
    const entry = (mark < 0 ? line : line.slice(0, mark)).trim()
    if (entry === '') continue
    const network = admissible(entry, `line ${number}`)
    if (network instanceof RemoteFault) return network
    entries.push(entry)
    networks.push(network)
  }
  return listOf(entries, networks)
}

/** The strings that the selectors find in a JSON document. */
export function readJson(bytes: Buffer, selects: readonly JsonSelect[]): NetworkList | RemoteFault {
  const fault = checkJson(bytes)
  if (fault !== undefined) return new RemoteFault('is no unambiguous JSON', 'see what stands at its address')
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  const entries: string[] = []
  const networks: Network[] = []
  for (const select of selects)
    for (const [index, found] of select.find(value).entries()) {
      const what = `match ${index + 1} of ${select.text}`
      if (typeof found !== 'string') return new RemoteFault(`${what} is no text`, `let "select" name the networks`)
      const network = admissible(found, what)
      if (network instanceof RemoteFault) return network
      entries.push(found)
      networks.push(network)
    }
  return listOf(entries, networks)
}

function listOf(entries: readonly string[], networks: readonly Network[]): NetworkList | RemoteFault {
  if (networks.length === 0)
    return new RemoteFault('holds no network', 'see whether it is the right document, and what "select" selects')
  return { table: new NetworkTable(networks), entries: new Set(entries) }
}

function admissible(entry: string, what: string): Network | RemoteFault {
  const network = parseNetwork(entry)
  if (network === undefined) return new RemoteFault(`${what} is no network`, MEND)
  if (network.prefix === 0) return new RemoteFault(`${what} is every address there is`, MEND)
  return network
}

/** Entries named in one log line. */
const SHOWN = 20

/** What came and went, for the log. */
export function changesOf(now: NetworkList, before: NetworkList | undefined) {
  const came = before === undefined ? [] : [...now.entries].filter(entry => !before.entries.has(entry))
  const went = before === undefined ? [] : [...before.entries].filter(entry => !now.entries.has(entry))
  return {
    networks: now.entries.size,
    ...(came.length > 0 ? { came: came.length, 'came-networks': shown(came) } : {}),
    ...(went.length > 0 ? { went: went.length, 'went-networks': shown(went) } : {}),
  }
}

function shown(entries: readonly string[]): readonly string[] {
  return entries.length <= SHOWN ? entries : [...entries.slice(0, SHOWN), `and ${entries.length - SHOWN} more`]
}
