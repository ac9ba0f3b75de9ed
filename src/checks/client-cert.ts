import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { CLIENT_AUTH, type ClientCertificate, type Issuer } from '../core/client-certificate.ts'
import { deny, type Evidence } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { digest, identity, matcherOf } from './client-names.ts'

const issuer = late(() =>
  z
    .strictObject({
      'spki-sha256': digest.optional().describe("SHA-256 of the CA's subjectPublicKeyInfo, hex."),
      sha256: digest.optional().describe("SHA-256 of the CA's certificate, hex."),
      name: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The subject of a CA in client-ca, as "sallyport certs show" prints it: CN=Partners CA,O=Bank. An intermediate is named by its digest.',
        ),
    })
    .refine(
      value => Object.values(value).filter(one => one !== undefined).length === 1,
      'takes one of spki-sha256, sha256, name',
    ),
)

const OID = /^[0-2](\.(0|[1-9]\d*)){2,}$/

type Code =
  | 'client-cert.missing'
  | 'client-cert.untrusted'
  | 'client-cert.expired'
  | 'client-cert.eku'
  | 'client-cert.issuer'
  | 'client-cert.path-length'
  | 'client-cert.not-allowed'

export const clientCert = defineCheck({
  name: 'client-cert',
  stage: 'head',
  summary:
    "Admits requests over TLS with a client certificate of the listener's client-ca: any, or one that allow lists. The subject's CN is never a name.",
  example: 'client-cert: { allow: [{ dns: hooks.bank.example }, { uri: "spiffe://bank.example/webhooks" }] }',
  config: late(() =>
    z.strictObject({
      allow: z
        .array(identity)
        .min(1, 'an empty list admits nobody: name a certificate, or leave allow out to admit any of the CA')
        .optional()
        .describe('Who is admitted, each by one name or digest. Left out: every certificate of the CA.'),
      issuer: z
        .array(issuer)
        .min(1, 'an empty list admits nobody: name a CA, or leave issuer out')
        .optional()
        .describe('A CA that must stand above the certificate, at any height. Left out: any CA of client-ca.'),
      'max-path-length': z
        .int()
        .min(0)
        .max(5)
        .optional()
        .describe('The most intermediate CAs between the certificate and client-ca; 0: issued by client-ca itself.'),
      eku: z
        .union([z.enum(['client-auth', 'any']), z.string().regex(OID, 'is no object identifier')])
        .default('client-auth')
        .describe(
          'What the extended key usage must name: client-auth, or an object identifier such as 1.3.6.1.4.1.311.20.2.2. "any" also takes a certificate that names no usage.',
        ),
    }),
  ),
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
      meaning: 'The extended key usage of the certificate does not name what eku demands, so it was not made for this.',
      remedy:
        'Have the sender use a certificate for clients. If its CA sets no usages and you trust it for this, set eku: any.',
    },
    'client-cert.issuer': {
      status: 403,
      title: 'Client certificate not accepted',
      meaning: "None of the CAs above the certificate is one of the route's issuer list; the evidence shows them.",
      remedy: 'If the sender is genuine, add one of the CAs in the evidence to issuer.',
    },
    'client-cert.path-length': {
      status: 403,
      title: 'Client certificate not accepted',
      meaning: 'More intermediate CAs stand between the certificate and client-ca than max-path-length allows.',
      remedy: 'Have the sender use a certificate of the CA that was agreed on, or raise max-path-length.',
    },
    'client-cert.not-allowed': {
      status: 403,
      title: 'Client certificate not accepted',
      meaning: 'The certificate is valid, and allow does not list it; the evidence shows its names.',
      remedy: 'If the sender is genuine, add one of the names in the evidence to allow.',
    },
  },
  create({ allow, eku, issuer: issuers, 'max-path-length': maxLength }, { clock }) {
    const match = allow && matcherOf(allow)
    const usage = eku === 'client-auth' ? CLIENT_AUTH : eku
    const issued = issuers && issuerMatcher(issuers)
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
        if (usage !== 'any' && !usages?.includes(usage))
          return refuse('client-cert.eku', { 'extended-key-usage': usages ?? null })
        if (maxLength !== undefined && certificate.chain.length > maxLength)
          return refuse('client-cert.path-length', { intermediates: certificate.chain.length, most: maxLength })
        if (issued && !certificate.issuers.some(issued))
          return refuse('client-cert.issuer', {
            issuers: certificate.issuers.map(each => `${each.subject} spki-sha256 ${each.spki}`),
          })
        const principal = match ? match(certificate) : nameOf(certificate)
        if (principal === undefined) return refuse('client-cert.not-allowed', { 'spki-sha256': certificate.spki })
        return { ok: true, facts: { principal, principalBy: 'client-cert' } }
      },
    }
  },
  explain: async (config, asked) => (await import('./explain/client-cert.ts')).explainClientCert(config, asked),
})

/** Whether a CA is one of the list. A name counts for client-ca alone: whom an intermediate names itself is its own say. */
function issuerMatcher(listed: readonly z.output<typeof issuer>[]): (ca: Issuer) => boolean {
  const of = (kind: keyof z.output<typeof issuer>) => new Set(listed.map(one => one[kind]))
  const [spki, sha256, names] = [of('spki-sha256'), of('sha256'), of('name')]
  return ca => spki.has(ca.spki) || sha256.has(ca.fingerprint) || (ca.anchor && names.has(ca.subject))
}

function nameOf(certificate: ClientCertificate): string {
  return certificate.uris[0] ?? certificate.dns[0] ?? certificate.emails[0] ?? certificate.fingerprint
}

function describe(certificate: ClientCertificate): Evidence {
  const { subject, issuer, dns, uris, emails, ips, fingerprint } = certificate
  return { subject, issuer, dns, uris, emails, ips, sha256: fingerprint }
}
