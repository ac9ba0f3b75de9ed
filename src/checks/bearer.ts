import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { expiry, SecretRef, secretName } from '../core/secret.ts'
import { addNamed, addToken, digestOf } from './known-tokens.ts'
import { presentedToken } from './presented-token.ts'
import { lackingScope, scopeList } from './scopes.ts'
import { INSUFFICIENT, REFUSED } from './token-denials.ts'
import { lineCount, readTokenFile } from './token-file.ts'
import { TokenTable } from './token-table.ts'

const token = late(() =>
  z
    .strictObject({
      name: secretName,
      env: z.string().min(1).optional().describe('The environment variable that holds the token.'),
      file: z.string().min(1).optional().describe('The file that holds the token, relative to this config.'),
      expires: expiry.optional(),
      scopes: scopeList.default([]).describe('What the token may do.'),
    })
    .refine(value => (value.env === undefined) !== (value.file === undefined), 'takes one of env, file')
    .transform(({ env, file, ...rest }) => ({
      ...rest,
      ref: env === undefined ? new SecretRef('file', file ?? '') : new SecretRef('env', env),
    })),
)

const config = late(() =>
  z
    .strictObject({
      tokens: z
        .array(token)
        .default([])
        .describe("The tokens, each with a name of its holder. Two of one name are that holder's old and new token."),
      'tokens-file': z
        .string()
        .min(1)
        .optional()
        .describe('A file of many tokens, a line each: name sha256-hex [expires or -] [scope,scope].'),
      scopes: scopeList.default([]).describe('Scopes that the token must have, all of them.'),
    })
    .refine(
      value => value.tokens.length > 0 || value['tokens-file'] !== undefined,
      'names no token, so it admits nobody: give tokens or tokens-file',
    ),
)

export type BearerConfig = z.output<typeof config>

export const bearer = defineCheck({
  name: 'bearer',
  stage: 'head',
  summary: 'Admits requests with a known token in Authorization: Bearer (RFC 6750), alive and with the needed scopes.',
  example:
    'bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN, expires: 2027-03-01, scopes: [articles:write] }], scopes: [articles:write] }',
  config,
  denials: {
    'bearer.missing': {
      status: 401,
      title: 'Token required',
      meaning: 'The request has no Authorization: Bearer header.',
      remedy:
        'Set the header "Authorization: Bearer TOKEN" in the sender; some interfaces want the token alone and add "Bearer".',
      headers: [['WWW-Authenticate', 'Bearer']],
    },
    'bearer.malformed': {
      ...REFUSED,
      title: 'Malformed token',
      meaning: 'The Authorization header came more than once, or its token is empty or holds a space.',
      remedy: 'Look in the sender for "Bearer" written twice, a blank at an end or a line break inside the token.',
    },
    'bearer.unknown': {
      ...REFUSED,
      meaning: 'The token is none of those that the route knows.',
      remedy: 'Compare where the token was copied from: the variable or file that the config names, and the sender.',
    },
    'bearer.expired': {
      ...REFUSED,
      title: 'Expired token',
      meaning: 'The token is known, and its expiry has passed.',
      remedy: 'Make a new token, add it under the same name, give it to the sender, then remove the old one.',
    },
    'bearer.scope': {
      ...INSUFFICIENT,
      meaning: 'The token is valid, and lacks a scope that the route needs; the evidence names it.',
      remedy:
        'Add the scope to the token in the config if its owner may do this; else the sender uses the wrong token.',
    },
  },
  async *doctor(given, resources) {
    const { endings, tokenFile } = await import('./token-doctor.ts')
    yield* endings('bearer', 'token', given.tokens, resources.clock.now())
    if (given['tokens-file'] !== undefined) yield* tokenFile(given['tokens-file'], resources)
  },
  create(given, resources) {
    const { clock } = resources
    const needed = given.scopes
    const table = load(given, resources)
    return {
      decide(request) {
        const presented = presentedToken(request, 'authorization')
        if ('fault' in presented)
          return deny(
            `bearer.${presented.fault}`,
            presented.because === undefined ? {} : { because: presented.because },
          )
        const known = table.find(digestOf(presented.token))
        if (!known) return deny('bearer.unknown', { 'token-length': presented.token.length })
        const { name, expires, scopes } = known
        if (expires !== undefined && clock.now() > expires)
          return deny('bearer.expired', { token: name, expired: new Date(expires).toISOString() })
        const lacks = lackingScope(needed, scopes)
        if (lacks !== undefined) return deny('bearer.scope', { token: name, lacks, has: scopes })
        return { ok: true, facts: { principal: name, principalBy: 'bearer', keyName: name } }
      },
    }
  },
  explain: async (config, asked, resources) =>
    (await import('./explain/bearer.ts')).explainBearer(config, asked, resources),
})

function load(given: BearerConfig, resources: Resources): TokenTable {
  const path = given['tokens-file']
  const text = path === undefined ? undefined : resources.file(path).toString('utf8')
  const table = new TokenTable(given.tokens.length + (text === undefined ? 0 : lineCount(text)))
  addNamed(table, given.tokens, 'bearer', resources)
  if (path !== undefined && text !== undefined) addLines(table, path, text, resources)
  return table
}

function addLines(table: TokenTable, path: string, text: string, resources: Resources): void {
  const now = resources.clock.now()
  let count = 0
  let next = Infinity
  try {
    for (const { digest, name, expires, scopes } of readTokenFile(text)) {
      addToken(table, digest, { name, expires, scopes })
      count++
      if (expires !== undefined && expires > now && expires < next) next = expires
    }
  } catch (error) {
    if (error instanceof Offline || !(error instanceof Error)) throw error
    throw new Offline(`${path}, ${error.message}`, 'write lines of: name sha256-hex [expires or -] [scope,scope]')
  }
  if (count === 0) throw new Offline(`${path} holds no token, so it admits nobody`, 'write at least one line')
  // A gauge for each of a million tokens would serve nobody: the next of the file to end stands for it.
  if (next !== Infinity) resources.expires({ kind: 'token', name: `${resources.route}/bearer/${path}`, at: next })
}
