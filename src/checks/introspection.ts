import { hash } from 'node:crypto'
import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { type Decision, deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import type { HeadRequest } from '../core/request.ts'
import type { Resources } from '../core/resources.ts'
import { secretRef } from '../core/secret.ts'
import { duration } from '../core/units.ts'
import { type ClaimRules, type Claims, checkClaims, secondsOf } from './claims.ts'
import { ExpiringCache } from './expiring-cache.ts'
import { headerName } from './header-name.ts'
import { IntrospectionClient, Unanswered } from './introspection-client.ts'
import { certificateBound, oneOrMore, skew } from './jwt-config.ts'
import { presentedToken } from './presented-token.ts'
import { remoteUrl } from './remote-url.ts'
import { scopeList } from './scopes.ts'
import { BOUND, ENDED, INSUFFICIENT, REFUSED } from './token-denials.ts'

/** Answers remembered: apart, so that a flood of invented tokens drives out no good one. */
const MOST_ACTIVE = 5_000
const MOST_INACTIVE = 5_000

const CACHE_MS = 60_000
const NEGATIVE_MS = 5_000
const TIMEOUT_MS = 5_000

type Code = `introspection.${
  | 'missing'
  | 'malformed'
  | 'inactive'
  | 'claims'
  | 'expired'
  | 'not-yet'
  | 'issuer'
  | 'audience'
  | 'bound'
  | 'scope'
  | 'unavailable'}`

const client = z
  .strictObject({
    id: z.string().min(1).describe('The name by which the server knows the gate.'),
    secret: secretRef,
  })
  .describe('How the gate says who it is to the server: HTTP Basic, as RFC 6749 section 2.3.1 has it.')

interface Endpoint {
  readonly endpoint: string
  readonly client: z.output<typeof client>
  readonly 'ca-file'?: string | undefined
  readonly timeout: number
}

/** @throws Offline */
function clientOf(config: Endpoint, resources: Resources): IntrospectionClient {
  return new IntrospectionClient({
    endpoint: config.endpoint,
    id: config.client.id,
    secret: resources.secret(config.client.secret),
    ca: config['ca-file'] === undefined ? undefined : resources.file(config['ca-file']),
    timeout: config.timeout,
  })
}

export const introspection = defineCheck({
  name: 'introspection',
  stage: 'head',
  summary:
    'Admits requests with a token that the authorization server calls active (RFC 7662), for this audience and with the needed scopes. Its answers are remembered for a short time; while it does not answer, tokens that are not remembered are refused (503).',
  example:
    'introspection: { endpoint: https://id.example.com/introspect, client: { id: gate, secret: { env: INTROSPECTION_SECRET } }, scopes: [articles:write] }',
  config: late(() =>
    z.strictObject({
      endpoint: remoteUrl.describe("The authorization server's introspection endpoint; https, or http on this host."),
      client,
      'ca-file': z
        .string()
        .min(1)
        .optional()
        .describe('PEM bundle that the certificate of the server must chain to. Default: the CAs of the system.'),
      issuer: oneOrMore.optional().describe('What iss must be; a list admits any of its entries.'),
      audience: oneOrMore.optional().describe('What aud must hold; of a list, any of its entries.'),
      scopes: scopeList.default([]).describe('Scopes that the token must have, all of them.'),
      principal: z
        .string()
        .min(1)
        .optional()
        .describe('The member of the answer that names the sender. Default: sub, or client_id where there is none.'),
      header: headerName
        .default('Authorization')
        .describe('The header that holds the token: in Authorization after "Bearer", in any other alone.'),
      'certificate-bound': certificateBound,
      skew,
      cache: duration()
        .default(CACHE_MS)
        .describe('How long an active token is not asked about again, at most until it ends. Default 1m.'),
      'negative-cache': duration()
        .refine(ms => ms <= CACHE_MS, 'is longer than a minute: choose less, as a token may become active')
        .default(NEGATIVE_MS)
        .describe('How long a token that is not active is not asked about again. Default 5s.'),
      timeout: duration()
        .refine(ms => ms > 0, 'must be longer than nothing')
        .default(TIMEOUT_MS)
        .describe('How long an answer may take. Default 5s.'),
    }),
  ),
  denials: {
    'introspection.missing': {
      status: 401,
      title: 'Token required',
      meaning: 'The request has no token where the route looks for one; the evidence names the header.',
      remedy: 'Have the sender get a token from the authorization server and send it as "Authorization: Bearer TOKEN".',
      headers: [['WWW-Authenticate', 'Bearer']],
    },
    'introspection.malformed': {
      ...REFUSED,
      title: 'Malformed token',
      meaning: 'The header came more than once, or its token is empty or holds a space.',
      remedy: 'Look in the sender for "Bearer" written twice, a blank at an end or a line break inside the token.',
    },
    'introspection.inactive': {
      ...REFUSED,
      meaning: 'The authorization server says that the token is not active: unknown to it, ended, or withdrawn.',
      remedy:
        'Have the sender get a new token. If it has just got one, see whether that is of another authorization server.',
    },
    'introspection.claims': {
      ...REFUSED,
      meaning: 'The token is active, and the answer lacks a member that the route needs or has one of a wrong form.',
      remedy: 'The evidence names it. Have the server tell it, or set principal to the member that names the sender.',
    },
    'introspection.expired': {
      ...ENDED,
      meaning: 'The token has passed the exp of the answer.',
    },
    'introspection.not-yet': {
      ...REFUSED,
      meaning: 'The token is not valid yet: its nbf or iat lies further ahead than skew.',
      remedy: 'Compare the clocks of server and gate; the evidence has the date of the answer.',
    },
    'introspection.issuer': {
      ...REFUSED,
      meaning: 'The answer names another issuer (iss) than the route trusts, or none.',
      remedy: 'Compare both in the evidence, letter by letter. If the server tells no iss, leave issuer out.',
    },
    'introspection.audience': {
      ...REFUSED,
      meaning: 'The token was issued for somebody else: the answer names none of the audiences of the route.',
      remedy: 'Have the sender ask for a token for this audience. If the server tells no aud, leave audience out.',
    },
    'introspection.bound': BOUND,
    'introspection.scope': {
      ...INSUFFICIENT,
      meaning: 'The token is active, and lacks a scope that the route needs; the evidence names it.',
      remedy: 'Have the server grant the scope to this sender if it may do this; else the sender uses the wrong token.',
    },
    'introspection.unavailable': {
      status: 503,
      title: 'Try again later',
      meaning: 'The authorization server did not say what the token is worth; the evidence says why.',
      remedy: 'Ask the endpoint by hand with the client of the config. The sender may try again.',
      headers: [['Retry-After', '5']],
    },
  },
  async *doctor(config, resources) {
    yield* (await import('./introspection-doctor.ts')).lookAtEndpoint(clientOf(config, resources), config.endpoint)
  },
  create(config, resources) {
    const { clock } = resources
    const header = config.header.toLowerCase()
    const client = clientOf(config, resources)
    const rules: ClaimRules = {
      issuers: config.issuer,
      audiences: config.audience,
      scopes: config.scopes,
      skew: config.skew,
      maxAge: undefined,
      expires: false,
      principal: config.principal === undefined ? ['sub', 'client_id'] : [config.principal],
      bound: config['certificate-bound'],
    }
    const active = new ExpiringCache<Claims>(clock, MOST_ACTIVE)
    const inactive = new ExpiringCache<true>(clock, MOST_INACTIVE)

    const judge = (claims: Claims, request: HeadRequest): Decision<Code> => {
      const verdict = checkClaims(claims, rules, clock.now(), () => request.clientCertificate())
      if ('fault' in verdict) return deny(`introspection.${verdict.fault}`, verdict.evidence)
      return { ok: true, facts: { principal: verdict.principal, principalBy: 'introspection' } }
    }

    const ask = async (token: string, digest: string, request: HeadRequest): Promise<Decision<Code>> => {
      const claims = await client.ask(token, digest)
      if (claims instanceof Unanswered) return deny('introspection.unavailable', { because: claims.because })
      if (claims.active !== true) {
        inactive.set(digest, true, config['negative-cache'])
        return deny('introspection.inactive', { 'token-length': token.length })
      }
      const exp = secondsOf(claims, 'exp')
      const left = exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000 - clock.now()
      active.set(digest, claims, Math.min(left, config.cache))
      return judge(claims, request)
    }

    return {
      decide(request) {
        const presented = presentedToken(request, header)
        if ('fault' in presented)
          return deny(`introspection.${presented.fault}`, {
            header: config.header,
            ...(presented.because === undefined ? {} : { because: presented.because }),
          })
        const digest = hash('sha256', presented.token, 'base64url')
        const known = active.get(digest)
        if (known !== undefined) return judge(known, request)
        if (inactive.get(digest)) return deny('introspection.inactive', { 'token-length': presented.token.length })
        return ask(presented.token, digest, request)
      },
      close: () => client.close(),
    }
  },
  explain: async (config, asked) => (await import('./explain/introspection.ts')).explainIntrospection(config, asked),
})
