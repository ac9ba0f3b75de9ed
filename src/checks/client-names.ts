import { z } from 'zod'
import { parseAddress, parseNetwork } from '../core/address.ts'
import type { ClientCertificate } from '../core/client-certificate.ts'
import { late } from '../core/late-schema.ts'
import { NetworkTable } from '../core/network-table.ts'

export const digest = z
  .string()
  .transform(text => text.replaceAll(':', '').toLowerCase())
  .refine(text => /^[0-9a-f]{64}$/.test(text), 'is no SHA-256: write 64 hex digits, with or without colons')

const KINDS = ['dns', 'uri', 'spiffe', 'email', 'ip', 'spki-sha256', 'sha256'] as const
type Kind = (typeof KINDS)[number]

const DNS = /^(\*\.[a-z0-9_-]+\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i
const URI_PATTERN = /^[a-z][a-z0-9+.-]*:\/\/[^*/]+(\/([^*/]+|\*))*(\/\*\*)?$/i
// The SPIFFE standard's ids (SPIFFE-ID.md, sections 2.1 and 2.2); the asterisks are ours.
const SPIFFE = /^spiffe:\/\/(\*\.)?[a-z0-9._-]{1,255}(\/([a-zA-Z0-9._-]+|\*))*(\/\*\*)?$/

/** One who is admitted, by exactly one of the kinds. */
export const identity = late(() =>
  z
    .strictObject({
      dns: z
        .string()
        .regex(DNS, 'is no DNS name: write it whole, or "*." before at least two labels')
        .optional()
        .describe('A DNS name of the subjectAltName. "*.bank.example" stands for one more label.'),
      uri: z
        .string()
        .min(1)
        .refine(text => !text.includes('*') || URI_PATTERN.test(text), 'has a "*" that is no whole segment of its path')
        .optional()
        .describe(
          'A URI of the subjectAltName. "*" stands for a segment of its path, "**" at the end for all that follow.',
        ),
      spiffe: z
        .string()
        .refine(
          text => SPIFFE.test(text) && !/\/\.{1,2}(\/|$)/.test(text),
          'is no SPIFFE id: write spiffe://bank.example/webhooks, or /* for a segment and /** for all that follow',
        )
        .optional()
        .describe(
          'A SPIFFE id, which must be the only URI of the certificate. "*" and "**" as in uri; "*." before the trust domain stands for one label.',
        ),
      email: z
        .string()
        .regex(
          /^([^@\s*]+|\*)@[^@\s*]+$/,
          'is no e-mail address: write name@host, or *@host for every mailbox of a host',
        )
        .optional()
        .describe('An e-mail address of the subjectAltName. "*@bank.example" stands for every mailbox of that host.'),
      ip: z
        .string()
        .refine(text => parseNetwork(text) !== undefined, 'is no address and no network')
        .optional()
        .describe('An IP address of the subjectAltName, or a network that holds it.'),
      'spki-sha256': digest
        .optional()
        .describe("SHA-256 of the key's subjectPublicKeyInfo, hex: outlives renewal with the same key."),
      sha256: digest.optional().describe('SHA-256 of the certificate, hex.'),
    })
    .refine(
      value => Object.values(value).filter(one => one !== undefined).length === 1,
      `takes one of ${KINDS.join(', ')}`,
    ),
)

export type Identity = z.output<typeof identity>

/** Gives the name that the list holds of a certificate; `undefined` where it holds none. */
export function matcherOf(allow: readonly Identity[]): (certificate: ClientCertificate) => string | undefined {
  const given = (kind: Kind): string[] => allow.map(one => one[kind]).filter(text => text !== undefined)
  const uris = new Texts(given('uri'), same)
  const spiffe = new Texts(given('spiffe'), same)
  const dns = new Texts(given('dns'), lower)
  const emails = new Texts(given('email'), mailbox)
  const networks = given('ip')
    .map(parseNetwork)
    .filter(network => network !== undefined)
  const ips = new NetworkTable(networks)
  const spki = new Set(given('spki-sha256'))
  const sha256 = new Set(given('sha256'))
  return certificate =>
    certificate.uris.find(text => uris.has(text)) ??
    spiffeOf(certificate, spiffe) ??
    certificate.dns.find(text => dns.has(text)) ??
    certificate.emails.find(text => emails.has(text)) ??
    certificate.ips.find(text => holds(ips, text)) ??
    (spki.has(certificate.spki) ? certificate.spki : undefined) ??
    (sha256.has(certificate.fingerprint) ? certificate.fingerprint : undefined)
}

/** Texts and patterns of one kind, in the form in which that kind is compared. */
class Texts {
  readonly #form: (text: string) => string
  readonly #whole: ReadonlySet<string>
  readonly #patterns: readonly RegExp[]

  constructor(texts: readonly string[], form: (text: string) => string) {
    this.#form = form
    const formed = texts.map(form)
    this.#whole = new Set(formed.filter(text => !text.includes('*')))
    this.#patterns = formed.filter(text => text.includes('*')).map(patternOf)
  }

  /** A name that itself has an asterisk, as a certificate's may, is no one's: only a digest admits it. */
  has(text: string): boolean {
    if (text.includes('*')) return false
    const formed = this.#form(text)
    return this.#whole.has(formed) || this.#patterns.some(pattern => pattern.test(formed))
  }
}

// No dot segment, no escape: what they are resolved to may lie elsewhere.
const SEGMENT = '(?!\\.{1,2}(?:/|$))[^/?#%]+'

/** `*.` is one label, `*@` one mailbox, `/*` one segment of a path and `/**` the segments that are left, at least one. */
function patternOf(text: string): RegExp {
  const parts = text.split(/(\*\*|\*\.|\*@|\*)/).map(part => {
    if (part === '**') return `${SEGMENT}(?:/${SEGMENT})*`
    if (part === '*.') return '[a-z0-9_-]+\\.'
    if (part === '*@') return '[^@]+@'
    return part === '*' ? SEGMENT : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}

/** A certificate with a second URI has no SPIFFE id (X509-SVID.md, section 2). */
function spiffeOf({ uris }: ClientCertificate, listed: Texts): string | undefined {
  const [id, more] = uris
  return id !== undefined && more === undefined && listed.has(id) ? id : undefined
}

function holds(networks: NetworkTable, text: string): boolean {
  const address = parseAddress(text)
  return address !== undefined && networks.has(address)
}

const same = (text: string): string => text
const lower = (text: string): string => text.toLowerCase()

/** The host's case does not count, the mailbox's does (RFC 5280 section 7.5). */
function mailbox(text: string): string {
  const at = text.lastIndexOf('@')
  return text.slice(0, at) + text.slice(at).toLowerCase()
}
