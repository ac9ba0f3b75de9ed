import { childrenOf, readElement, TAG } from './der.ts'

/** The names of a subjectAltName extension (RFC 5280 section 4.2.1.6), by kind. */
export interface AlternativeNames {
  /** Lower case. */
  readonly dns: readonly string[]
  readonly uris: readonly string[]
  readonly emails: readonly string[]
  /** `198.51.100.7`, or IPv6 in its short form. */
  readonly ips: readonly string[]
}

export const NO_NAMES: AlternativeNames = { dns: [], uris: [], emails: [], ips: [] }

/**
 * Reads the names from their DER. A name with a byte that its kind can't have (NUL, blank, control, not ASCII) is left
 * out, so that nothing can match it. @throws DerError
 */
export function readAlternativeNames(value: Buffer): AlternativeNames {
  const names = { dns: [] as string[], uris: [] as string[], emails: [] as string[], ips: [] as string[] }
  for (const { tag, value: octets } of childrenOf(readElement(value, TAG.sequence))) {
    if (tag === 0x87) {
      const address = formatAddress(octets)
      if (address !== undefined) names.ips.push(address)
    } else if (isVisibleAscii(octets)) {
      const text = octets.toString('latin1')
      if (tag === 0x82 && isDnsName(text)) names.dns.push(text.toLowerCase())
      else if (tag === 0x86) names.uris.push(text)
      else if (tag === 0x81) names.emails.push(text)
    }
  }
  return names
}

function isVisibleAscii(octets: Buffer): boolean {
  return octets.length > 0 && octets.every(octet => octet > 0x20 && octet < 0x7f)
}

/** Letters, digits, hyphens and underscores in labels of 1 to 63; a wildcard only as the whole first label. */
function isDnsName(text: string): boolean {
  return text.length <= 253 && /^(\*\.)?[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/i.test(text)
}

function formatAddress(octets: Buffer): string | undefined {
  if (octets.length === 4) return octets.join('.')
  if (octets.length !== 16) return undefined
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(index * 2).toString(16))
  // The URL parser writes RFC 5952's short form.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
