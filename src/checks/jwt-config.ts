import { z } from 'zod'
import { late } from '../core/late-schema.ts'
import { namedSecret } from '../core/secret.ts'
import { duration } from '../core/units.ts'
import { HMAC_ALGORITHMS, PUBLIC_KEY_ALGORITHMS } from '../signing/jws-keys.ts'
import { headerName } from './header-name.ts'
import { remoteUrl } from './remote-url.ts'
import { scopeList } from './scopes.ts'

const SKEW_MS = 30_000
const MOST_SKEW_MS = 600_000
const SOONEST_MS = 60_000

export const SECRET_ENCODINGS = ['text', 'base64', 'base64url', 'hex'] as const

/** One text, or several of which any counts. */
export const oneOrMore = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((value): readonly string[] => (typeof value === 'string' ? [value] : value))

export const skew = duration()
  .refine(ms => ms <= MOST_SKEW_MS, 'is longer than ten minutes: set the clocks instead')
  .default(SKEW_MS)
  .describe('How far the clocks of issuer and gate may be apart. Default 30s.')

export const certificateBound = z
  .boolean()
  .default(false)
  .describe(
    'Refuse tokens that are bound to no client certificate (RFC 8705). One that is bound is refused without its certificate either way.',
  )

const make = () => {
  const keys = z.array(namedSecret).min(1).max(16)
  const jwks = z
    .strictObject({
      file: z.string().min(1).optional().describe('The file that holds the set, relative to this config. Watched.'),
      url: remoteUrl
        .optional()
        .describe('Where the issuer publishes the set; https, or http on this host. The last good copy is kept.'),
      every: duration()
        .refine(ms => ms >= SOONEST_MS, 'must be at least 1m')
        .optional()
        .describe('How often the set is refreshed; also where a token names an unknown key. Default 1h.'),
      'max-stale': duration()
        .refine(ms => ms > 0, 'must be longer than nothing')
        .optional()
        .describe('How long the last good copy is used while the issuer does not answer. Default 24h.'),
    })
    .refine(({ file, url }) => (file === undefined) !== (url === undefined), 'takes one of file, url')
    .refine(
      value => value.file === undefined || (value.every === undefined && value['max-stale'] === undefined),
      'takes every and max-stale with url alone: leave them out, as a file is read when it changes',
    )
  return z.strictObject({
    algorithms: z
      .array(z.enum([...PUBLIC_KEY_ALGORITHMS, ...HMAC_ALGORITHMS]))
      .min(1, 'an empty list admits nobody: name the algorithm that the issuer signs with')
      .describe('The algorithms that a token may be signed with. There is no default, and no "none".'),
    jwks: jwks.optional().describe("The issuer's public keys as a JWK Set (RFC 7517)."),
    keys: keys
      .optional()
      .describe('Public keys in PEM, by reference, in place of jwks; each may have a name and an end.'),
    secrets: keys
      .optional()
      .describe('For HS256, HS384 and HS512: the secrets by reference; each may have a name and an end.'),
    encoding: z.enum(SECRET_ENCODINGS).default('text').describe('How the secrets are written. Default text.'),
    issuer: oneOrMore.optional().describe('What iss must be; a list admits any of its entries.'),
    audience: oneOrMore.optional().describe('What aud must hold; of a list, any of its entries.'),
    scopes: scopeList.default([]).describe('Scopes that the token must have (scope or scp), all of them.'),
    typ: z
      .string()
      .min(1)
      .optional()
      .describe('What typ must be, e.g. at+jwt (RFC 9068). Default: JWT, at+jwt or nothing.'),
    principal: z.string().min(1).default('sub').describe('The claim that names the sender. Default sub.'),
    skew,
    'max-age': duration()
      .refine(ms => ms > 0, 'must be longer than nothing')
      .optional()
      .describe('How long ago a token may have been issued (iat), whatever its exp says. Default: as exp says.'),
    header: headerName
      .default('Authorization')
      .describe('The header that holds the token: in Authorization after "Bearer", in any other alone.'),
    'certificate-bound': certificateBound,
    'own-keys': z
      .enum(['refuse', 'ignore'])
      .default('refuse')
      .describe(
        'What is done with a token whose header brings a key or says where one is (jwk, jku, x5c, x5u). Such a key is never used.',
      ),
  })
}

export const jwtConfig = late(() => make().superRefine(crossCheck))

export type JwtConfig = z.output<ReturnType<typeof make>>

const SOURCES = ['jwks', 'keys', 'secrets'] as const

function crossCheck(config: JwtConfig, context: z.RefinementCtx): void {
  const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  const given = SOURCES.filter(source => config[source] !== undefined)
  if (given.length !== 1) context.addIssue({ code: 'custom', message: `takes one of ${SOURCES.join(', ')}` })
  for (const [index, algorithm] of config.algorithms.entries()) {
    const hmac = algorithm.startsWith('HS')
    if (hmac !== (given[0] === 'secrets') && given.length === 1)
      context.addIssue({
        code: 'custom',
        path: ['algorithms', index],
        message: hmac
          ? `${algorithm} is made with a shared secret, and ${given[0]} holds public keys, which anyone could make it with: give secrets instead`
          : `${algorithm} is verified with a public key, and secrets holds none: give jwks or keys instead`,
      })
  }
  // The keys of a set sign for every party that trusts the issuer; a key or secret in the config is one sender's own.
  if (config.jwks !== undefined)
    for (const key of ['issuer', 'audience'] as const)
      if (config[key] === undefined)
        refuse('jwks', `needs ${key}: the issuer signs for others with the same keys: add ${key}`)
  if (config.secrets === undefined && config.encoding !== 'text')
    refuse('encoding', 'there are no secrets that it could be of: leave it out')
}
