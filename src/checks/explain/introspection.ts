import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import { claimFindings } from './claims.ts'
import { emptyToken } from './empty-token.ts'
import { likely, possible, proven } from './finding.ts'
import { OF_SCHEME, tokenTexts } from './token-texts.ts'

interface IntrospectionConfig {
  readonly header: string
  readonly skew: number
  readonly endpoint: string
}

/** Near misses of a token that an authorization server judges; that server is asked nothing for an explanation. */
export function explainIntrospection(
  config: IntrospectionConfig,
  { request, refusal }: Explaining<IntrospectionConfig>,
): readonly Finding[] {
  const reason = refusal.code.slice('introspection.'.length)
  const evidence = refusal.evidence ?? {}
  if (reason === 'missing' || reason === 'malformed') {
    const header = config.header.toLowerCase()
    const empty = emptyToken('introspection', request, header)
    if (empty) return [empty]
    const other = [...tokenTexts(request, header)].find(({ differs }) => differs !== undefined)
    if (other?.differs && reason === 'malformed')
      return [likely({ ...other.differs, cause: `introspection.${other.differs.cause}` })]
    if (other?.differs && OF_SCHEME.has(other.differs.cause))
      return [likely({ ...other.differs, cause: `introspection.${other.differs.cause}` })]
    return [
      possible({
        cause: 'introspection.not-sent',
        because: `there is no token in ${config.header}`,
        mend: `have the sender get a token and send it in ${config.header}`,
      }),
    ]
  }
  if (reason === 'inactive') return inactive(config, request)
  if (reason === 'unavailable')
    return unanswered(String(evidence.because ?? ''), URL.parse(config.endpoint)?.host ?? '')
  return claimFindings('introspection', reason, evidence, {}, request.receivedAt, config.skew)
}

const UNANSWERED: readonly (readonly [because: RegExp, cause: string, mend: string])[] = [
  [
    /answered 40[13]/,
    'client-refused',
    'compare client.id and client.secret with what the server knows, and allow this client to introspect',
  ],
  [
    /answered 404/,
    'no-endpoint',
    'compare endpoint with introspection_endpoint of the metadata of the server (/.well-known/)',
  ],
  [
    /answered 3/,
    'redirect',
    'write the URL that it leads to into endpoint: a redirect is not followed, as it would take the secret along',
  ],
  [/answered/, 'failing', 'look at the log of the authorization server'],
  [/within \d+ ms/, 'no-answer', 'see why the server is slow, or raise timeout and cache'],
  [
    /no JSON|does not say whether/,
    'no-json',
    'compare endpoint: a page, or another endpoint of the server, answers there',
  ],
  [/CERT|certificate|SELF_SIGNED|ALTNAME|ISSUER/i, 'untrusted', 'name the CA of the server in ca-file'],
  [/no answer/, 'unreachable', 'is the server running, at this endpoint? Is a firewall in between?'],
]

/** Why the authorization server said nothing. */
function unanswered(because: string, host: string): readonly Finding[] {
  const known = UNANSWERED.find(([pattern]) => pattern.test(because))
  if (known === undefined) return []
  const [, cause, mend] = known
  return [
    proven({
      cause: `introspection.${cause}`,
      because: `${host} does not say what the token is worth: ${because}`,
      mend,
    }),
  ]
}

function inactive(config: IntrospectionConfig, request: Explaining<unknown>['request']): readonly Finding[] {
  const [first] = tokenTexts(request, config.header.toLowerCase())
  const said = claimsOf(first?.token ?? '')
  const exp = said?.exp
  if (typeof exp === 'number' && exp * 1000 < request.receivedAt)
    return [
      proven({
        cause: 'introspection.expired',
        because: `the token says itself that it expired at ${new Date(exp * 1000).toISOString()}`,
        mend: 'have the sender get a new token before the old one ends',
      }),
    ]
  const issuer = typeof said?.iss === 'string' ? URL.parse(said.iss)?.host : undefined
  const endpoint = URL.parse(config.endpoint)?.host
  if (issuer !== undefined && endpoint !== undefined && issuer !== endpoint)
    return [
      likely({
        cause: 'introspection.other-issuer',
        because: `the token says that ${issuer} issued it, and the route asks ${endpoint}`,
        mend: 'let the sender get its token from that server, or ask the one that issued it',
      }),
    ]
  return [
    possible({
      cause: 'introspection.ended',
      because: 'the token has ended or was withdrawn',
      mend: 'have the sender get a new token',
    }),
    possible({
      cause: 'introspection.other-issuer',
      because: 'the token is of another authorization server',
      mend: `see where the sender gets it; this route asks ${endpoint ?? 'its endpoint'}`,
    }),
  ]
}

/** What a JSON Web Token says, unverified; `undefined` of any other token. */
function claimsOf(token: string): { readonly exp?: unknown; readonly iss?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'))
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
