import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import type { HeadRequest } from '../core/request.ts'
import { expiry, SecretRef, secretName } from '../core/secret.ts'
import { headerName } from './header-name.ts'
import { addNamed, digestOf } from './known-tokens.ts'
import { type Presented, presentedToken, whyMalformed } from './presented-token.ts'
import { TokenTable } from './token-table.ts'

const CHALLENGE = [['WWW-Authenticate', 'ApiKey']] as const

const key = late(() =>
  z
    .strictObject({
      name: secretName,
      env: z.string().min(1).optional().describe('The environment variable that holds the key.'),
      file: z.string().min(1).optional().describe('The file that holds the key, relative to this config.'),
      expires: expiry.optional(),
    })
    .refine(value => (value.env === undefined) !== (value.file === undefined), 'takes one of env, file')
    .transform(({ env, file, ...rest }) => ({
      ...rest,
      ref: env === undefined ? new SecretRef('file', file ?? '') : new SecretRef('env', env),
    })),
)

const config = late(() =>
  z.strictObject({
    header: headerName.default('X-API-Key').describe('The header that holds the key. Default X-API-Key.'),
    query: z
      .string()
      .regex(
        /^[A-Za-z0-9._~-]{1,64}$/,
        'is no name of a query parameter: write it as it stands in the URL, e.g. api_key',
      )
      .optional()
      .describe('A parameter of the query that may hold the key instead, for a sender that can set no header.'),
    keys: z
      .array(key)
      .min(1, 'an empty list admits nobody: name a key')
      .describe("The keys, each with a name of its holder. Two of one name are that holder's old and new key."),
  }),
)

export type ApiKeyConfig = z.output<typeof config>

export const apiKey = defineCheck({
  name: 'api-key',
  stage: 'head',
  summary:
    'Admits requests with a known key or fixed token in a header of any name, e.g. X-API-Key or X-Gitlab-Token. A key in the query is taken only where query names it: URLs end up in the logs of every hop.',
  example: 'api-key: { header: X-Gitlab-Token, keys: [{ name: gitlab, env: GITLAB_TOKEN, expires: 2027-03-01 }] }',
  config,
  denials: {
    'api-key.missing': {
      status: 401,
      title: 'API key required',
      meaning: 'The request has no key where the route looks for one; the evidence says where that is.',
      remedy: 'Set the header that the evidence names in the sender, with the key as its value.',
      headers: CHALLENGE,
    },
    'api-key.malformed': {
      status: 401,
      title: 'Malformed API key',
      meaning: 'The key came more than once, is empty, or holds a space or an invisible character.',
      remedy: 'Look in the sender for the key written twice, a blank at an end or a line break inside it.',
      headers: CHALLENGE,
    },
    'api-key.unknown': {
      status: 401,
      title: 'Invalid API key',
      meaning: 'The key is none of those that the route knows.',
      remedy: 'Compare where the key was copied from: the variable or file that the config names, and the sender.',
      headers: CHALLENGE,
    },
    'api-key.expired': {
      status: 401,
      title: 'Expired API key',
      meaning: 'The key is known, and its expiry has passed.',
      remedy: 'Make a new key, add it under the same name, give it to the sender, then remove the old one.',
      headers: CHALLENGE,
    },
  },
  async *doctor({ keys }, { clock }) {
    yield* (await import('./token-doctor.ts')).endings('api-key', 'key', keys, clock.now())
  },
  create({ header, query, keys }, resources) {
    const lower = header.toLowerCase()
    const places = query === undefined ? { header } : { header, query }
    const table = new TokenTable(keys.length)
    addNamed(table, keys, 'api-key', resources)
    return {
      decide(request) {
        let presented = presentedToken(request, lower)
        if ('fault' in presented && presented.fault === 'missing' && query !== undefined)
          presented = inQuery(request, query)
        if ('fault' in presented)
          return deny(
            `api-key.${presented.fault}`,
            presented.because === undefined ? places : { ...places, because: presented.because },
          )
        const known = table.find(digestOf(presented.token))
        if (!known) return deny('api-key.unknown', { 'key-length': presented.token.length })
        const { name, expires } = known
        if (expires !== undefined && resources.clock.now() > expires)
          return deny('api-key.expired', { key: name, expired: new Date(expires).toISOString() })
        return { ok: true, facts: { principal: name, principalBy: 'api-key', keyName: name } }
      },
    }
  },
  explain: async (config, asked, resources) =>
    (await import('./explain/api-key.ts')).explainApiKey(config, asked, resources),
})

function inQuery(request: HeadRequest, name: string): Presented {
  if (request.query === '') return { fault: 'missing' }
  const [token, another] = new URLSearchParams(request.query).getAll(name)
  if (token === undefined) return { fault: 'missing' }
  if (another !== undefined) return { fault: 'malformed', because: `the query has ${name} more than once` }
  const because = whyMalformed(token)
  return because === undefined ? { token } : { fault: 'malformed', because }
}
