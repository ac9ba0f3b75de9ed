import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import { formatDuration } from '../../core/units.ts'
import type { OAuth2Config } from '../../forward/credentials/config.ts'
import type { OAuth2 } from '../../forward/credentials/oauth2.ts'

const SHORT_MS = 60_000

/** Fetches a token as the route would, and looks at its life and scopes. The token is not kept, and not shown. */
export async function lookAtToken(oauth2: OAuth2, config: OAuth2Config): Promise<readonly Finding[]> {
  const { host } = new URL(config['token-url'])
  const token = await oauth2.ask()
  if (!token.ok) return [noToken(token.message, host, config)]
  const { lifeMs, lifeSaid, scopes } = token
  const granted = scopes ?? config.scopes
  const lacks = config.scopes.filter(scope => !granted.includes(scope))
  const evidence = { 'life-s': Math.round(lifeMs / 1000), scopes: granted, asked: config.scopes }
  const life = lifeSaid ? `for ${formatDuration(lifeMs)}` : 'without saying for how long'
  const findings: Finding[] = [
    ok(
      'token.fetched',
      `${host} gives a token ${life}${granted.length === 0 ? '' : `, with the scopes ${granted.join(', ')}`}`,
      evidence,
    ),
  ]
  if (lacks.length > 0)
    findings.push(
      fail(
        'token.scope-missing',
        `the token lacks ${lacks.join(', ')}: the endpoint granted ${granted.join(', ') || 'no scope'}`,
        `grant the client ${config['client-id']} the scope at the authorization server`,
        {
          evidence,
        },
      ),
    )
  if (!lifeSaid)
    findings.push(
      warn(
        'token.life-unsaid',
        `the answer has no expires_in, so a token is fetched every ${formatDuration(lifeMs)}`,
        'have the endpoint say how long its tokens live',
        { evidence },
      ),
    )
  else if (lifeMs < SHORT_MS)
    findings.push(
      warn(
        'token.short-lived',
        `a token lives for ${formatDuration(lifeMs)}, so one is fetched all the time`,
        'let its tokens live for some minutes at least',
        { evidence },
      ),
    )
  return findings
}

/** RFC 6749 section 5.2. */
const ERRORS: Readonly<Record<string, readonly [because: string, mend: string]>> = {
  invalid_client: [
    'it does not know the client, or not by this secret',
    'compare client-id, its secret or key, and client-auth (basic or post)',
  ],
  invalid_scope: [
    'it does not grant a scope that is asked for',
    'compare scopes with those that the client was given there',
  ],
  unauthorized_client: [
    'the client may not use client credentials',
    'allow it the grant client_credentials at the authorization server',
  ],
  unsupported_grant_type: ['it knows no client credentials', 'is it the right token-url?'],
  invalid_request: [
    'it misses something in the request',
    'see whether it wants audience, resource, or client-auth: post',
  ],
  invalid_target: ['it does not know the audience or the resource', 'compare audience and resource'],
}

const REFUSED: readonly (readonly [message: RegExp, cause: string, mend: string])[] = [
  [
    /answered 3\d\d$/,
    'token.redirect',
    'write the URL that it leads to into token-url: a redirect is not followed, as it would take the secret along',
  ],
  [
    /answered 429/,
    'token.too-many',
    'let one gate hold the token for all its routes, and look for others that use the same client',
  ],
  [/answered 5\d\d/, 'token.failing', 'look at the log of the authorization server'],
  [
    /holds no access_token/,
    'token.no-token',
    'compare token-url: a page, or the endpoint of another grant, answers 200 as well',
  ],
  [
    /token_type/,
    'token.other-type',
    'have the endpoint give bearer tokens to this client (token_type: Bearer), not MAC or DPoP',
  ],
]

function noToken(message: string, host: string, config: OAuth2Config): Finding {
  const code = /: ([a-z_]+)$/.exec(message)?.[1] ?? ''
  const known = ERRORS[code]
  if (known) {
    const scopes = code === 'invalid_scope' ? ` (${config.scopes.join(', ')})` : ''
    return fail(`token.${code.replaceAll('_', '-')}`, `${host} gives no token: ${known[0]}${scopes}`, known[1], {
      evidence: { error: code },
    })
  }
  if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|did not stand|EAI_AGAIN/.test(message))
    return fail(
      'token.unreachable',
      `${host} is not reached: ${message}`,
      'compare token-url; is a proxy or a firewall in between?',
    )
  if (/certificate|altnames|CERT_/i.test(message))
    return fail(
      'token.untrusted',
      `${host} is not trusted: ${message}`,
      'name its CA: tls.ca of forward holds for the token endpoint too',
    )
  if (/ 40[13]$/.test(message))
    return fail('token.invalid-client', `${host} gives no token: ${message}`, ERRORS.invalid_client?.[1] ?? '')
  if (/ 404$/.test(message))
    return fail(
      'token.no-endpoint',
      `${host} has nothing at that path: ${message}`,
      'compare token-url with the one that the service publishes',
    )
  const said = REFUSED.find(([pattern]) => pattern.test(message))
  if (said) return fail(said[1], `${host} gives no token: ${message}`, said[2])
  return fail(
    'token.refused',
    `${host} gives no token: ${message}`,
    'ask the endpoint by hand with the client of the config',
  )
}
