import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { parseAddress } from '../../core/address.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { isLoopback, isPrivate } from '../../forward/address-guard.ts'

/** What a host stands for. */
export interface Addresses {
  readonly addresses: readonly string[]
  readonly findings: readonly Finding[]
}

/** As the system resolves it, its hosts file included. @param isPublic whether strangers are to reach it */
export async function resolveHost(host: string, isPublic: boolean): Promise<Addresses> {
  const bare = host.replace(/^\[|\]$/g, '')
  if (isIP(bare) !== 0) return { addresses: [bare], findings: [] }
  let found: readonly string[]
  try {
    found = [...new Set((await lookup(bare, { all: true })).map(({ address }) => address))]
  } catch (error) {
    return { addresses: [], findings: [unresolved(bare, error)] }
  }
  const own = new Set(Object.values(networkInterfaces()).flatMap(all => (all ?? []).map(({ address }) => address)))
  const evidence = {
    a: found.filter(address => isIP(address) === 4),
    aaaa: found.filter(address => isIP(address) === 6),
    'this-host': found.some(address => own.has(address)),
  }
  const inside = found.filter(text => {
    const address = parseAddress(text)
    return address !== undefined && isPrivate(address)
  })
  if (isPublic && inside.length > 0)
    return {
      addresses: found,
      findings: [
        warn(
          'dns.private',
          `${bare} stands for ${inside.join(', ')}, which the internet does not reach`,
          'where services outside send to it, publish its public address; a resolver inside may tell another one than theirs',
          { evidence },
        ),
      ],
    }
  const here = evidence['this-host'] ? ', of this host' : ''
  return { addresses: found, findings: [ok('dns.addresses', `${bare} is ${found.join(', ')}${here}`, evidence)] }
}

function unresolved(host: string, error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  if (code === 'ENOTFOUND' || code === 'ENODATA')
    return fail(
      'dns.unknown',
      `no address is known for ${host}`,
      'add an A or AAAA record, or mend the name in the URL',
      {
        evidence: { code },
      },
    )
  return fail('dns.no-answer', `the resolver does not answer for ${host} (${code})`, "look at this host's resolver", {
    evidence: { code },
  })
}

/** Whether a host is this one, whatever a resolver says. */
export function isLoopbackHost(host: string): boolean {
  const bare = host.replace(/^\[|\]$/g, '')
  if (/^(?:.+\.)?localhost$/i.test(bare)) return true
  const address = parseAddress(bare)
  return address !== undefined && isLoopback(address)
}
