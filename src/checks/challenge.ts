import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { defineCheck, type Greeter } from '../core/check.ts'
import { ALLOW, type Decision, type Denial, deny, type Reply } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import type { BodyRequest } from '../core/request.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { expiry, nameOfSecret, Secret, secretRef } from '../core/secret.ts'
import type { Answer, Asked, Handshake, SignedChallenge } from '../signing/challenge.ts'
import { challenges } from '../signing/challenges/index.ts'
import { providerOf } from '../signing/index.ts'
import { SecretFault } from '../signing/provider.ts'

type Code = 'challenge.malformed' | 'challenge.closed' | 'challenge.token' | 'challenge.unexpected' | 'challenge.taken'

/** A window that is forgotten open would let anybody pair. */
const LONGEST_MS = 86_400_000
/** A handshake's body holds one token. */
const BODY_BYTES = 4096

const known = [...challenges.keys()]
const named = z
  .string()
  .refine(id => challenges.has(id), `is no challenge that is known: write one of ${known.join(', ')}`)

const config = late(() =>
  z
    .strictObject({
      provider: named
        .optional()
        .describe(`Whose challenge is answered: ${known.join(', ')}. Default: the provider of the route's signature.`),
      'verify-token': secretRef.optional().describe('meta: the verify token that you gave the service.'),
      'open-until': expiry
        .optional()
        .describe(
          'asana, braintree, dropbox, intercom, msgraph, notion, nylas, okta, trello: a handshake without a signature is answered until then, at most a day ahead. Set it when you register the endpoint.',
        ),
      'save-to': z
        .string()
        .min(1)
        .optional()
        .describe('asana, notion: the new file for the secret that the service hands over, relative to this config.'),
      origins: z
        .array(
          z
            .string()
            .min(1)
            .transform(origin => origin.toLowerCase()),
        )
        .min(1)
        .optional()
        .describe('cloudevents: the origins that may send.'),
      topics: z.array(z.string().min(1)).min(1).optional().describe('websub: the topics that you subscribed to.'),
    })
    .describe('{} for the provider of the signature; what else a service needs stands beside it.'),
)

type Config = z.output<typeof config>

export const challenge = defineCheck({
  name: 'challenge',
  stage: 'body',
  summary:
    'Answers the challenge by which a service tries an endpoint, in place of the upstream. Signed ones are answered after the signature; a handshake without one only where a token, a list or a window that you opened says so.',
  example: 'challenge: { provider: meta, verify-token: { env: META_VERIFY_TOKEN } }',
  config,
  denials: {
    'challenge.malformed': {
      status: 400,
      title: 'Malformed challenge',
      meaning: "The challenge is not of the form that the service's page describes, so nothing of it is answered.",
      remedy: 'Compare what came with the page of the service. Strangers who try the endpoint send such requests too.',
    },
    'challenge.closed': {
      status: 403,
      title: 'Not expected now',
      meaning: 'A handshake without a signature came while its window is closed.',
      remedy: 'If you are registering the endpoint now, set open-until of the challenge to a few minutes ahead.',
    },
    'challenge.token': {
      status: 403,
      title: 'Wrong verify token',
      meaning: 'The verify token is not the one that verify-token refers to.',
      remedy: "Enter the same token in the service's interface and in verify-token.",
    },
    'challenge.unexpected': {
      status: 404,
      title: 'Not expected',
      meaning: 'The handshake names an origin or a topic that the config does not list.',
      remedy: 'Add it to origins or topics if it is yours; else somebody tries to have this endpoint sent to.',
    },
    'challenge.taken': {
      status: 409,
      title: 'Already paired',
      meaning: 'The service handed over a secret, and the file of save-to is there already.',
      remedy: 'If you are pairing anew, remove the file first. If you are not, somebody else is: close the window.',
    },
  },
  create(given, resources) {
    const id = given.provider ?? resources.signedBy?.provider
    const found = id === undefined ? undefined : challenges.get(id)
    if (id === undefined || found === undefined)
      throw new Offline(
        id === undefined ? 'challenge: the route checks no signature of a provider' : `challenge: ${id} has none`,
        `Name one under challenge.provider (${known.join(', ')}), or take the check out.`,
      )
    return found.kind === 'signed' ? signedCheck(id, found, resources) : greetingCheck(id, found, given, resources)
  },
  explain: async (config, asked, resources) =>
    (await import('./explain/challenge.ts')).explainChallenge(config, asked, resources),
})

/** Only what this very provider's signature verified is answered, and by the key that verified it. */
function signedCheck(id: string, { answer }: SignedChallenge, resources: Resources) {
  const keys = keysOf(id, resources)
  return {
    decide(
      request: Pick<BodyRequest, 'headers' | 'peekJson'>,
      facts: { principal?: string; principalBy?: string; keyName?: string },
    ): Decision<Code> {
      if (facts.principalBy !== 'signature' || facts.principal !== id || facts.keyName === undefined) return ALLOW
      const said = answer({ body: request.peekJson(), headers: request.headers, key: keys.get(facts.keyName) })
      if (said === undefined) return ALLOW
      return said === 'malformed' ? deny('challenge.malformed', { provider: id }) : replyWith(said)
    },
  }
}

/** Those of the route's signature that are there, by name, in their order. */
function keysOf(id: string, resources: Resources): ReadonlyMap<string, Buffer> {
  const keys = new Map<string, Buffer>()
  const provider = providerOf(id)
  for (const [index, secret] of (resources.signedBy?.secrets ?? []).entries()) {
    try {
      const value = resources.secret(secret.ref)
      keys.set(nameOfSecret(secret, index), provider?.secret?.parse(value) ?? value.bytes())
    } catch (error) {
      // The signature check says what is wrong with it, and no request verifies by it.
      if (!(error instanceof Offline || error instanceof SecretFault)) throw error
    }
  }
  return keys
}

function greetingCheck(id: string, handshake: Handshake, given: Config, resources: Resources) {
  const until = given['open-until']
  const saveTo = given['save-to']
  const { needs, pairs } = handshake
  if (given[needs] === undefined && needs !== 'open-until')
    throw new Offline(`challenge: ${id} needs ${needs}`, `Set ${needs} of the challenge.`)
  if (pairs && saveTo === undefined)
    throw new Offline(`challenge: ${id} hands over a secret, and nothing says where it goes`, 'Set save-to.')
  if (until !== undefined && until - resources.clock.now() > LONGEST_MS)
    throw new Offline('challenge: open-until is more than a day ahead', 'Set it to when you will have registered.')
  const token = given['verify-token'] && resources.secret(given['verify-token'])
  const listed = new Set<string>([...(given.origins ?? []), ...(given.topics ?? [])])
  const [key] = resources.signedBy?.provider === id ? keysOf(id, resources).values() : []
  const isOpen = (): boolean => needs !== 'open-until' || (until !== undefined && resources.clock.now() <= until)

  const settle = (asked: Asked | 'malformed'): Reply | Denial<Code> => {
    if (!isOpen()) return deny('challenge.closed', { provider: id })
    if (asked === 'malformed') return deny('challenge.malformed', { provider: id })
    if (needs === 'verify-token' && !(token && isSame(asked.shows ?? '', token)))
      return deny('challenge.token', { provider: id, 'token-length': asked.shows?.length ?? 0 })
    if ((needs === 'origins' || needs === 'topics') && !listed.has(asked.shows ?? ''))
      return deny('challenge.unexpected', { provider: id, named: (asked.shows ?? '').slice(0, 128) })
    if (asked.secret !== undefined && !resources.keepSecret(saveTo ?? '', new Secret(Buffer.from(asked.secret))))
      return deny('challenge.taken', { provider: id, file: saveTo ?? '' })
    if (typeof asked.answer !== 'function') return replyWith(asked.answer)
    // Without the secret nothing can be answered, and the signature check says why it is not there.
    return key === undefined ? deny('challenge.closed', { provider: id }) : replyWith(asked.answer(key))
  }
  const greeter: Greeter<Code> = {
    methods: handshake.method === 'POST' ? [] : [handshake.method],
    maxBytes: BODY_BYTES,
    asks(request) {
      if (request.method !== handshake.method) return false
      const asked = handshake.read(request)
      // Every body looks like a handshake until it is read, so none is read but while the pairing is awaited.
      return asked === 'body' ? isOpen() && !resources.hasKept(saveTo ?? '') : asked !== undefined
    },
    greet(request) {
      const asked = handshake.read(request)
      return asked === 'body' ? 'body' : settle(asked ?? 'malformed')
    },
    greetBody: request => settle(handshake.readBody?.(request.peekJson()) ?? 'malformed'),
  }
  return { decide: (): Decision<Code> => ALLOW, greeter }
}

function replyWith({ status, headers, body }: Answer): Reply {
  return { ok: 'reply', status: status ?? 200, headers, body, reason: 'challenge' }
}

/** In constant time for equal lengths; the length of a verify token is no secret. */
function isSame(sent: string, token: Secret): boolean {
  const bytes = Buffer.from(sent)
  const right = token.bytes()
  return bytes.length === right.length && timingSafeEqual(bytes, right)
}
