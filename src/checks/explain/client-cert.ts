import type { Explaining } from '../../core/captured.ts'
import { CLIENT_AUTH, type ClientCertificate } from '../../core/client-certificate.ts'
import type { Finding } from '../../core/finding.ts'
import { isOneStepAway } from '../../core/one-step-away.ts'
import type { BodyRequest } from '../../core/request.ts'
import { type Identity, matcherOf } from '../client-names.ts'
import { untrusted } from './client-chain.ts'
import { ago, likely, listed, possible, proven } from './finding.ts'

interface ClientCertConfig {
  readonly allow?: readonly Identity[] | undefined
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'
/** Fields in which proxies that end TLS pass the client's certificate on. */
const CARRIERS = [
  'client-cert',
  'x-forwarded-client-cert',
  'x-client-cert',
  'ssl-client-cert',
  'x-ssl-client-cert',
  'x-amzn-mtls-clientcert',
  'x-arr-clientcert',
  'x-ssl-cert',
] as const

/** What is wrong with a client's certificate, and at whose end. */
export function explainClientCert(
  config: ClientCertConfig,
  { request, refusal, elsewhere }: Explaining<ClientCertConfig>,
): readonly Finding[] {
  const certificate = request.clientCertificate()
  if (refusal.code === 'client-cert.missing' || certificate === undefined) return missing(request)
  const { receivedAt } = request
  const tell = (
    make: typeof proven,
    cause: string,
    because: string,
    mend: string,
    evidence?: Finding['evidence'],
  ): readonly Finding[] => [make({ cause: `client-cert.${cause}`, because, mend, ...(evidence ? { evidence } : {}) })]
  switch (refusal.code) {
    case 'client-cert.expired':
      return certificate.notAfter < receivedAt
        ? tell(
            proven,
            'expired',
            `the certificate ${certificate.subject} expired ${ago(receivedAt - certificate.notAfter)} ago`,
            'have the sender renew it',
            { 'not-after': iso(certificate.notAfter) },
          )
        : tell(
            proven,
            'not-yet',
            `the certificate ${certificate.subject} is valid from ${ago(certificate.notBefore - receivedAt)} ahead`,
            "it was made with a clock that is ahead, or the gate's is behind: compare them (timedatectl)",
            { 'not-before': iso(certificate.notBefore) },
          )
    case 'client-cert.eku':
      return eku(certificate)
    case 'client-cert.untrusted':
      return isNotForClients(certificate) ? eku(certificate) : untrusted(certificate)
    case 'client-cert.issuer':
      return tell(
        likely,
        'other-issuer',
        `it is of ${certificate.issuer}, and issuer of the route lists another CA`,
        'add that CA to issuer, by spki-sha256, if the sender is genuine',
      )
    case 'client-cert.path-length':
      return tell(
        proven,
        'path-length',
        `${certificate.chain.length} intermediate CAs stand between it and client-ca, more than max-path-length`,
        'have the sender use a certificate of the CA that was agreed on, or raise max-path-length',
      )
    default:
      return notAllowed(config, certificate, elsewhere)
  }
}

/** Where the chain was refused for that before `eku` was asked. */
const isNotForClients = ({ problem = '', extendedKeyUsage }: ClientCertificate): boolean =>
  /client authentication/.test(problem) && extendedKeyUsage?.includes(CLIENT_AUTH) === false

function missing(request: BodyRequest): readonly Finding[] {
  const carrier = CARRIERS.find(name => request.headers.has(name))
  if (carrier !== undefined)
    return [
      likely({
        cause: 'client-cert.ended-at-proxy',
        because: `TLS ended at a proxy, which passes the certificate on in ${carrier}; the listener does not read it from there`,
        mend: `set proxy-client-cert on the listener (format, header: ${carrier}, client-ca), and the proxy's address under trusted-proxies`,
      }),
    ]
  if (!request.encrypted)
    return [
      proven({
        cause: 'client-cert.plain-http',
        because: 'the request came over plain HTTP, where there are no certificates',
        mend: 'let the sender use https and the listener that has client-ca; a proxy that ends TLS must pass the certificate on',
      }),
    ]
  return [
    possible({
      cause: 'client-cert.not-set',
      because: 'the sender has none set, or sends none to this name',
      mend: 'set certificate and key in the sender; curl does it by --cert and --key',
    }),
    possible({
      cause: 'client-cert.other-ca',
      because: 'the sender has one of another CA: clients send none where their CA is not asked for',
      mend: 'add its CA to client-ca of the listener, or give the sender one of that CA',
    }),
  ]
}

function eku(certificate: ClientCertificate): readonly Finding[] {
  const usages = certificate.extendedKeyUsage
  const isServers = usages?.includes(SERVER_AUTH) === true && !usages.includes(CLIENT_AUTH)
  return [
    proven({
      cause: isServers
        ? 'client-cert.server-certificate'
        : usages === undefined
          ? 'client-cert.no-eku'
          : 'client-cert.eku',
      because: isServers
        ? 'it is a certificate for servers: its extended key usage names serverAuth, and not clientAuth'
        : usages === undefined
          ? 'it has no extended key usage, and the route asks for clientAuth'
          : `its extended key usage names ${listed(usages)}, and not what the route asks for`,
      evidence: { 'extended-key-usage': usages ?? null },
      mend: 'have its CA issue one with clientAuth; public CAs leave it out since 2026. If you trust its CA for this, set eku: any',
    }),
  ]
}

function notAllowed(
  { allow = [] }: ClientCertConfig,
  certificate: ClientCertificate,
  elsewhere: Explaining<ClientCertConfig>['elsewhere'],
): readonly Finding[] {
  const { dns, uris, emails, ips, subject } = certificate
  const findings: Finding[] = []
  for (const { route, config } of elsewhere)
    if (config.allow !== undefined && matcherOf(config.allow)(certificate) !== undefined)
      findings.push(
        proven({
          cause: 'client-cert.other-route',
          because: `the route ${route} lists this certificate`,
          evidence: { route },
          mend: `mend the URL in the sender if the request is meant for ${route}; else list it here too`,
        }),
      )
  const wanted = allow.flatMap(one => Object.values(one).filter(text => typeof text === 'string'))
  const cn = /(?:^|,)\s*CN=([^,]+)/.exec(subject)?.[1]
  const names = [...dns, ...uris, ...emails, ...ips]
  const near = names.flatMap(name => wanted.filter(each => isNear(each, name)).map(each => [name, each] as const))[0]
  if (
    cn !== undefined &&
    wanted.some(each => each.toLowerCase() === cn.toLowerCase()) &&
    !names.some(name => name.toLowerCase() === cn.toLowerCase())
  )
    findings.push(
      proven({
        cause: 'client-cert.common-name',
        because: `the name ${cn} stands in the subject's CN alone, which is never read as a name; ${names.length === 0 ? 'the certificate has no subjectAltName' : 'its subjectAltName has others'}`,
        evidence: { subject, names },
        mend: 'have the CA put the name into subjectAltName, or list the certificate by spki-sha256',
      }),
    )
  if (near)
    findings.push(
      likely({
        cause: 'client-cert.name-near',
        because: `it is for ${near[0]}, and allow lists ${near[1]}`,
        evidence: { names },
        mend: `write ${near[0]} in allow, if that is the sender`,
      }),
    )
  const renewed = allow.some(one => one.sha256 !== undefined) && !allow.some(one => one['spki-sha256'] !== undefined)
  if (renewed)
    findings.push(
      possible({
        cause: 'client-cert.renewed',
        because: 'allow lists a digest of a whole certificate, which changes with each renewal',
        mend: 'list the new one, or use spki-sha256, which stays while the key does',
      }),
    )
  findings.push(
    possible({
      cause: 'client-cert.not-listed',
      because: `none of its names (${names.length === 0 ? 'it has none' : listed(names.slice(0, 4))}) is in allow`,
      evidence: { names, 'spki-sha256': certificate.spki },
      mend: 'add one of them to allow, if the sender is genuine',
    }),
  )
  return findings
}

/** One character apart, in another case, a subdomain, or a wildcard's level too deep or too shallow. */
function isNear(listedName: string, name: string): boolean {
  const [a, b] = [listedName.toLowerCase(), name.toLowerCase()]
  const bare = a.replace(/^\*\./, '')
  return isOneStepAway(a, b) || b === bare || b.endsWith(`.${bare}`) || a.endsWith(`.${b}`)
}

const iso = (ms: number): string => new Date(ms).toISOString()
