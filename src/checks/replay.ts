import { hash } from 'node:crypto'
import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { type Decision, deny, type Facts, type Reply } from '../core/decision.ts'
import type { BodyRequest } from '../core/request.ts'
import type { Claim } from '../core/stores.ts'
import { duration } from '../core/units.ts'

const WINDOW_MS = 600_000
/** A request that is being forwarded ends long before this; a claim that nobody ended lets go after it. */
const IN_FLIGHT_MS = 600_000
/** 128 bits of the digest in base64url. */
const KEY_LENGTH = 22

type Code = 'replay.in-flight' | 'replay.full'

const DUPLICATE: Reply = {
  ok: 'reply',
  status: 200,
  headers: [['Sallyport-Duplicate', 'true']],
  body: '',
  reason: 'duplicate',
}

export const replay = defineCheck({
  name: 'replay',
  stage: 'body',
  summary:
    "Forwards an event once: one that was delivered is answered 200 and not forwarded again; one that failed may come again. An event is known by its id, else by what was signed, else by its body's digest.",
  example: 'replay: { window: 10m }',
  config: z.strictObject({
    window: duration()
      .refine(ms => ms > 0, 'must be longer than nothing')
      .default(WINDOW_MS)
      .describe('How long a delivered event is remembered, or for as long as its signature verifies. Default 10m.'),
  }),
  denials: {
    'replay.in-flight': {
      status: 409,
      title: 'Event is being processed',
      meaning: 'The same event is being forwarded at this moment, and its outcome is not known yet.',
      remedy:
        'Nothing, where the sender tries again by itself. If it happens often, the upstream answers later than the sender waits: answer sooner there.',
    },
    'replay.full': {
      status: 503,
      title: 'Try again later',
      meaning: 'As many events are remembered as there is room for, so a further one can not be told from a replay.',
      remedy: 'Shorten window, or put rate-limit before this check.',
      headers: [['Retry-After', '30']],
    },
  },
  create({ window }, { route, claims }) {
    const answer = (claim: Claim, key: string, facts: Facts): Decision<Code> => {
      if (claim === 'fresh') {
        return {
          ok: true,
          settle: outcome =>
            outcome === 'delivered'
              ? claims.keep(key, Math.max(window, facts.verifiesForMs ?? 0))
              : claims.release(key),
        }
      }
      if (claim === 'delivered') return DUPLICATE
      return claim === 'in-flight' ? deny('replay.in-flight', { 'known-by': knownBy(facts) }) : deny('replay.full')
    }
    return {
      decide(request, facts) {
        const key = keyOf(route, request, facts)
        const claim = claims.claim(key, IN_FLIGHT_MS)
        return claim instanceof Promise ? claim.then(made => answer(made, key, facts)) : answer(claim, key, facts)
      },
    }
  },
})

function knownBy(facts: Facts): string {
  if (facts.eventId !== undefined) return 'event id'
  return facts.nonce === undefined ? 'body' : 'signature'
}

/** Always as long, so that the store's memory is bounded by its count. */
function keyOf(route: string, request: BodyRequest, facts: Facts): string {
  const what =
    facts.eventId !== undefined
      ? `id\n${facts.eventId}`
      : facts.nonce !== undefined
        ? `nonce\n${facts.nonce}`
        : `body\n${hash('sha256', request.raw, 'hex')}`
  return hash('sha256', `${route}\n${what}`, 'base64url').slice(0, KEY_LENGTH)
}
