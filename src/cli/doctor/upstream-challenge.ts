import { type Finding, fail } from '../../core/finding.ts'
import type { Answer } from './ask.ts'

/** Schemes of RFC 9110 section 11, RFC 6750, RFC 7616 and RFC 9449 that challenges name. */
const SCHEMES = /(?:^|,)\s*(Basic|Bearer|Digest|DPoP|Negotiate|NTLM|HMAC|AWS4-HMAC-SHA256|Token|ApiKey)\b/gi

/**
 * What an upstream's challenge (WWW-Authenticate), or a mark of what stands before it, says of its refusal.
 * @param sent Authorization, as it was sent
 * @param tell `the upstream answers 401 to OPTIONS`
 */
export function challengeFinding(
  { status, headers }: Pick<Answer, 'status' | 'headers'>,
  sent: string | undefined,
  tell: string,
): Finding | undefined {
  if (status !== 401 && status !== 403) return undefined
  if (headers['cf-mitigated'] === 'challenge')
    return fail(
      'upstream.forbidden',
      `${tell}: Cloudflare in front of it challenges the client, as if it were a bot`,
      'ask its operator to let this address, or requests with this credential, pass its bot rules',
      { evidence: { status, 'cf-mitigated': 'challenge' } },
    )
  const challenge = headers['www-authenticate']
  if (challenge === undefined) return undefined
  const evidence = { status, 'www-authenticate': challenge.slice(0, 300) }
  const said = (name: string): string | undefined => new RegExp(`${name}="([^"]{1,200})"`).exec(challenge)?.[1]
  if (said('error') === 'insufficient_scope')
    return fail(
      'upstream.scope',
      `${tell}: the token lacks a scope${said('scope') === undefined ? '' : `, it wants ${said('scope')}`}`,
      'grant the client the scope at the authorization server, and name it in scopes of authenticate',
      { evidence },
    )
  const scheme = /^([\w-]+) /.exec(sent ?? '')?.[1]
  const wanted = [...challenge.matchAll(SCHEMES)].map(([, name]) => name ?? '')
  if (scheme !== undefined && wanted.length > 0 && !wanted.some(name => name.toLowerCase() === scheme.toLowerCase()))
    return fail(
      'upstream.credentials-scheme',
      `${tell}: it wants ${wanted.join(' or ')}, and the route sends ${scheme}`,
      'use the kind of authenticate that it wants',
      { evidence },
    )
  const reason = said('error_description') ?? said('error')
  if (scheme === undefined || reason === undefined) return undefined
  return fail(
    'upstream.credentials-refused',
    `${tell}: it does not take the credential of the route, and says: ${reason}`,
    'compare it with the one in the service, and whether it is for this host (test or live)',
    { evidence },
  )
}
