import { lookup as resolveName } from 'node:dns'
import type { LookupFunction } from 'node:net'
import { type Address, parseAddress, parseNetwork } from '../core/address.ts'
import { NetworkTable } from '../core/network-table.ts'

/** A name that stands for addresses to which nothing may be sent. */
export class AddressFault extends Error {
  override readonly name = 'AddressFault'
}

const table = (...networks: string[]): NetworkTable =>
  new NetworkTable(networks.map(parseNetwork).filter(network => network !== undefined))

/** Read with the first name that is resolved: a gate starts that much sooner. */
function readNetworks() {
  return {
    loopback: table('127.0.0.0/8', '::1'),
    /** Never an upstream's: this network, link-local with the clouds' metadata, multicast, reserved. */
    never: table(
      ...['0.0.0.0/8', '169.254.0.0/16', '100.100.100.200', '168.63.129.16', '224.0.0.0/4', '240.0.0.0/4'],
      ...['::', 'fe80::/10', 'fec0::/10', 'ff00::/8', 'fd00:ec2::/32'],
    ),
    /** Networks that are not the internet (RFC 6890): private, shared, documentation, benchmarks, and tunnels into them. */
    private: table(
      ...['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '192.0.0.0/24', '192.0.2.0/24'],
      ...['198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
      ...['::/96', 'fc00::/7', '64:ff9b:1::/48', '100::/64', '2001::/32', '2001:db8::/32'],
    ),
    nat64: table('64:ff9b::/96'),
    sixToFour: table('2002::/16'),
  }
}
let networks: ReturnType<typeof readNetworks> | undefined

/** Whether an address is this host's own. */
export function isLoopback(address: Address): boolean {
  networks ??= readNetworks()
  return networks.loopback.has(address)
}

/** Whether an address is none of the internet's: loopback, link-local, private (RFC 6890), reserved. */
export function isPrivate(address: Address): boolean {
  networks ??= readNetworks()
  return networks.loopback.has(address) || networks.never.has(address) || networks.private.has(address)
}

export interface GuardSettings {
  /** Whether private networks are refused as well: for upstreams on the internet. */
  readonly strict: boolean
  /** Lower-case names and networks that are allowed all the same. */
  readonly allow: readonly string[]
}

/**
 * Resolves names for connections, once, and hands out only the addresses that may be connected to: whoever changes the
 * name's addresses later changes nothing. An address that stands in the config itself is not looked up, and allowed.
 */
export class AddressGuard {
  readonly #settings: GuardSettings
  readonly #names: ReadonlySet<string>
  readonly #networks: NetworkTable
  readonly #resolve: typeof resolveName

  /** @param resolve for tests */
  constructor(settings: GuardSettings, resolve: typeof resolveName = resolveName) {
    this.#settings = settings
    this.#names = new Set(settings.allow)
    this.#networks = table(...settings.allow)
    this.#resolve = resolve
  }

  /** For `net.connect`. */
  readonly lookup: LookupFunction = (hostname, options, done) => {
    this.#resolve(hostname, { ...options, all: true }, (error, found) => {
      if (error) {
        done(error, [])
        return
      }
      const fit = found.filter(({ address }) => this.#isFit(hostname, address))
      const [first] = fit
      if (first === undefined)
        done(
          this.#fault(
            hostname,
            found.map(({ address }) => address),
          ),
          [],
        )
      else if (options.all) done(null, fit)
      else done(null, first.address, first.family)
    })
  }

  #isFit(hostname: string, text: string): boolean {
    if (this.#names.has(hostname.toLowerCase())) return true
    // With a zone (fe80::1%eth0) it is a link's, and no address that can be read.
    const address = parseAddress(text)
    if (address === undefined) return false
    if (this.#networks.has(address)) return true
    networks ??= readNetworks()
    if (networks.never.has(address)) return false
    if (!this.#settings.strict) return true
    if (networks.loopback.has(address)) return /^(?:.+\.)?localhost$/i.test(hostname)
    if (networks.private.has(address)) return false
    const inside = embedded(address, networks)
    return inside === undefined || this.#isFit(hostname, inside)
  }

  #fault(hostname: string, addresses: readonly string[]): AddressFault {
    return new AddressFault(
      `${hostname} stands for ${addresses.slice(0, 4).join(', ')}, where nothing is sent unless allow-private names it`,
    )
  }
}

/** The IPv4 address that an IPv6 one leads to, by NAT64 (RFC 6052) or 6to4 (RFC 3056). */
function embedded(
  address: Address,
  { nat64, sixToFour }: Pick<ReturnType<typeof readNetworks>, 'nat64' | 'sixToFour'>,
): string | undefined {
  const at = nat64.has(address) ? 12 : sixToFour.has(address) ? 2 : undefined
  return at === undefined ? undefined : address.bytes.slice(at, at + 4).join('.')
}
