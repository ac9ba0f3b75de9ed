import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { expiry, secretRef } from '../core/secret.ts'
import { type BasicCredentials, readBasic } from './basic-credentials.ts'
import { addToken, digestOf } from './known-tokens.ts'
import { TokenTable } from './token-table.ts'

const CHALLENGE = [['WWW-Authenticate', 'Basic realm="webhooks", charset="UTF-8"']] as const

const user = late(() =>
  z.strictObject({
    name: z
      .string()
      .min(1)
      .max(128)
      .regex(/^[^:\p{C}]*$/u, 'is no user name: write it without ":" and invisible characters')
      .describe('The user name. Two of one name are the old and the new password.'),
    password: secretRef,
    expires: expiry.optional(),
  }),
)

const config = late(() =>
  z.strictObject({
    users: z
      .array(user)
      .min(1, 'an empty list admits nobody: name a user')
      .describe('The users, each with a password by reference.'),
  }),
)

export type BasicConfig = z.output<typeof config>

export const basic = defineCheck({
  name: 'basic',
  stage: 'head',
  summary:
    'Admits requests with the name and password of a known user in Authorization: Basic (RFC 7617, UTF-8). An unknown user and a wrong password are one refusal, found in the same time.',
  example: 'basic: { users: [{ name: kb, password: { env: KB_USER_PASSWORD } }] }',
  config,
  denials: {
    'basic.missing': {
      status: 401,
      title: 'Credentials required',
      meaning: 'The request has no Authorization: Basic header.',
      remedy: 'Set a user name and a password in the sender; some services take them as https://NAME:PASSWORD@HOST/.',
      headers: CHALLENGE,
    },
    'basic.malformed': {
      status: 401,
      title: 'Malformed credentials',
      meaning:
        'The Authorization header came more than once, or what follows "Basic" is not the base64 of a name, ":" and a password in UTF-8.',
      remedy: 'Have the sender encode NAME:PASSWORD once, as UTF-8, in base64 with its padding.',
      headers: CHALLENGE,
    },
    'basic.wrong': {
      status: 401,
      title: 'Invalid credentials',
      meaning:
        'The user is none of those that the route knows, or the password is another; the sender is not told which.',
      remedy: 'Where the evidence names the user, compare the password with the sender; else compare the user name.',
      headers: CHALLENGE,
    },
    'basic.expired': {
      status: 401,
      title: 'Expired credentials',
      meaning: 'The password is right, and its expiry has passed.',
      remedy: 'Make a new password, add it under the same user name, give it to the sender, then remove the old one.',
      headers: CHALLENGE,
    },
  },
  async *doctor({ users }, { clock }) {
    yield* (await import('./token-doctor.ts')).endings('basic', 'password', users, clock.now())
  },
  create({ users }, resources) {
    const { clock, route } = resources
    const names = new Set(users.map(({ name }) => name.normalize('NFC')))
    const table = new TokenTable(users.length)
    for (const { name, password, expires } of users) {
      addToken(table, digest({ user: name, password: resources.secret(password).text() }), {
        name,
        expires,
        scopes: [],
      })
      if (expires !== undefined) resources.expires({ kind: 'secret', name: `${route}/basic/${name}`, at: expires })
    }
    return {
      decide(request) {
        const given = readBasic(request)
        if ('fault' in given)
          return deny(`basic.${given.fault}`, given.because === undefined ? {} : { because: given.because })
        // One look-up for name and password together: an unknown name takes the way of a wrong password.
        const known = table.find(digest(given))
        if (!known) {
          const name = given.user.normalize('NFC')
          // An unknown name is not shown: it may be a password in the wrong field.
          return deny('basic.wrong', names.has(name) ? { user: name } : { 'user-known': false })
        }
        const { name, expires } = known
        if (expires !== undefined && clock.now() > expires)
          return deny('basic.expired', { user: name, expired: new Date(expires).toISOString() })
        return { ok: true, facts: { principal: name, principalBy: 'basic', keyName: name } }
      },
    }
  },
  explain: async (config, asked, resources) =>
    (await import('./explain/basic.ts')).explainBasic(config, asked, resources),
})

/** No name holds ":", so that name and password can not run into each other. NFC: RFC 8265 sections 3.4.2 and 4.2.2. */
function digest({ user, password }: BasicCredentials): Buffer {
  return digestOf(`${user.normalize('NFC')}:${password.normalize('NFC')}`)
}
