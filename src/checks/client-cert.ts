import { z } from 'zod'
import { parseAddress } from '../core/address.ts'
import { defineCheck } from '../core/check.ts'
import { CLIENT_AUTH, type ClientCertificate } from '../core/client-certificate.ts'
import { deny, type Evidence } from '../core/decision.ts'

const digest = z
  .string()
  .transform(text => text.replaceAll(':', '').toLowerCase())
  .refine(text => /^[0-9a-f]{64}$/.test(text), 'is no SHA-256: write 64 hex digits, with or without colons')

const KINDS = ['dns', 'uri', 'email', 'ip', 'spki-sha256', 'sha256'] as const
type Kind = (typeof KINDS)[number]

const identity = z
  .strictObject({
    dns: z
      .string()
      .regex(/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i, 'is no DNS name')
      .optional()
      .describe('A DNS name of the subjectAltName, whole.'),
    uri: z.string().min(1).optional().describe('A URI of the subjectAltName, e.g. a SPIFFE id, whole.'),
    email: z
      .string()
      .regex(/^[^@\s]+@[^@\s]+$/, 'is no e-mail address')
      .optional()
      .describe('An e-mail address of the subjectAltName, whole.'),
    ip: z
      .string()
      .refine(text => parseAddress(text) !== undefined, 'is no address')
      .optional()
      .describe('An IP address of the subjectAltName.'),
    'spki-sha256': digest
      .optional()
      .describe("SHA-256 of the key's subjectPublicKeyInfo, hex: outlives renewal with the same key."),
    sha256: digest.optional().describe('SHA-256 of the certificate, hex.'),
  })
  .refine(
    value => Object.values(value).filter(one => one !== undefined).length === 1,
    `takes one of ${KINDS.join(', ')}`,
  )

type Code =
  | 'client-cert.missing'
  | 'client-cert.untrusted'
  | 'client-cert.expired'
  | 'client-cert.eku'
  | 'client-cert.not-allowed'

export const clientCert = defineCheck({
  name: 'client-cert',
  stage: 'head',
  summary:
    "Admits requests over TLS with a client certificate of the listener's client-ca: any, or one that allow lists. The subject's CN is never a name.",
  example: 'client-cert: { allow: [{ dns: hooks.bank.example }, { uri: "spiffe://bank.example/webhooks" }] }',
  config: z.strictObject({
    allow: z
      .array(identity)
      .min(1, 'an empty list admits nobody: name a certificate, or leave allow out to admit any of the CA')
      .optional()
      .describe('Who is admitted, each by one name or digest. Left out: every certificate of the CA.'),
    eku: z
      .enum(['client-auth', 'any'])
      .default('client-auth')
      .describe('What the extended key usage must say: clientAuth, or any thing or nothing.'),
  }),
  denials: {
    'client-cert.missing': {
      status: 401,
      title: 'Client certificate required',
      meaning: 'The connection was made without a client certificate.',
      remedy:
        "Set the certificate and key in the sender. If it has one, check that the listener's client-ca holds its issuer: many clients send none where theirs is not asked for.",
      headers: [['WWW-Authenticate', 'ClientCertificate']],
    },
    'client-cert.untrusted': {
      status: 403,
      title: 'Client certificate not accepted',
      meaning: "The certificate does not chain to the listener's client-ca, or was revoked; the evidence says which.",
      remedy:
        'If the sender is genuine, add its CA to client-ca, or have the sender send its intermediate certificates.',
    },
    'client-cert.expired': {
      status: 403,
      title: 'Client certificate not accepted',
      meaning: 'The certificate has expired or is not valid yet; the evidence gives both dates.',
      remedy: 'Have the sender renew the certificate. If its dates are right, set the clock of this host.',
    },
    'client-cert.eku': {
      status: 403,
      title: 'Client certificate not accepted',
      meaning: 'The extended key usage of the certificate does not name clientAuth, so it was not made for this.',
      remedy:
        'Have the sender use a certificate for clients. If its CA sets no usages and you trust it for this, set eku: any.',
    },
    'client-cert.not-allowed': {
      status: 403,
      title: 'Client certificate not accepted',
      meaning: 'The certificate is valid, and allow does not list it; the evidence shows its names.',
      remedy: 'If the sender is genuine, add one of the names in the evidence to allow.',
    },
  },
  create({ allow, eku }, { clock }) {
    const match = allow && matcher(allow)
    return {
      decide(request) {
        const certificate = request.clientCertificate()
        if (!certificate) return deny('client-cert.missing', { tls: request.encrypted })
        const refuse = <C extends Code>(code: C, more: Evidence) => deny(code, { ...describe(certificate), ...more })
        const now = clock.now()
        // Looked at for every request: a connection may outlive the certificate that opened it.
        if (now > certificate.notAfter || now < certificate.notBefore)
          return refuse('client-cert.expired', {
            'not-before': new Date(certificate.notBefore).toISOString(),
            'not-after': new Date(certificate.notAfter).toISOString(),
          })
        if (!certificate.verified)
          return refuse('client-cert.untrusted', { problem: certificate.problem ?? 'not verified' })
        const usages = certificate.extendedKeyUsage
        if (eku === 'client-auth' && !usages?.includes(CLIENT_AUTH))
          return refuse('client-cert.eku', { 'extended-key-usage': usages ?? null })
        const principal = match ? match(certificate) : nameOf(certificate)
        if (principal === undefined) return refuse('client-cert.not-allowed', { 'spki-sha256': certificate.spki })
        return { ok: true, facts: { principal, principalBy: 'client-cert' } }
      },
    }
  },
})

type Identity = z.output<typeof identity>

/** Gives the name that the list holds of a certificate; `undefined` where it holds none. */
function matcher(allow: readonly Identity[]): (certificate: ClientCertificate) => string | undefined {
  const listed = (kind: Kind, form: (text: string) => string) =>
    new Set(
      allow
        .map(one => one[kind])
        .filter(text => text !== undefined)
        .map(form),
    )
  const dns = listed('dns', lower)
  const uris = listed('uri', same)
  const emails = listed('email', mailbox)
  const ips = listed('ip', addressText)
  const spki = listed('spki-sha256', same)
  const sha256 = listed('sha256', same)
  return certificate =>
    certificate.uris.find(text => uris.has(text)) ??
    certificate.dns.find(text => dns.has(lower(text))) ??
    certificate.emails.find(text => emails.has(mailbox(text))) ??
    certificate.ips.find(text => ips.has(addressText(text))) ??
    (spki.has(certificate.spki) ? certificate.spki : undefined) ??
    (sha256.has(certificate.fingerprint) ? certificate.fingerprint : undefined)
}

const same = (text: string): string => text
const lower = (text: string): string => text.toLowerCase()
const addressText = (text: string): string => parseAddress(text)?.text ?? text

/** The host's case does not count, the mailbox's does (RFC 5280 section 7.5). */
function mailbox(text: string): string {
  const at = text.lastIndexOf('@')
  return text.slice(0, at) + text.slice(at).toLowerCase()
}

function nameOf(certificate: ClientCertificate): string {
  return certificate.uris[0] ?? certificate.dns[0] ?? certificate.emails[0] ?? certificate.fingerprint
}

function describe(certificate: ClientCertificate): Evidence {
  const { subject, issuer, dns, uris, emails, ips, fingerprint } = certificate
  return { subject, issuer, dns, uris, emails, ips, sha256: fingerprint }
}
