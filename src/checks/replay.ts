import { hash } from 'node:crypto'
import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { type Decision, deny, type Facts, type Reply } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import type { BodyRequest } from '../core/request.ts'
import type { Claim, ClaimStore } from '../core/stores.ts'
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
  config: late(() =>
    z.strictObject({
      window: duration()
        .refine(ms => ms > 0, 'must be longer than nothing')
        .default(WINDOW_MS)
        .describe('How long a delivered event is remembered, or for as long as its signature verifies. Default 10m.'),
    }),
  ),
  denials: {
    'replay.in-flight': {
      status: 409,
      title: 'Event is being processed',
      meaning: 'The same event is being forwarded at this moment, and its outcome is not known yet.',
      remedy:
        'Nothing, where the sender tries again by itself. If it happens often, the upstream answers later than the sender waits: let it answer first and work afterwards.',
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
    const answer = (claim: Claim, keys: readonly string[], facts: Facts): Decision<Code> => {
      if (claim === 'fresh') {
        const kept = Math.max(window, facts.verifiesForMs ?? 0)
        return {
          ok: true,
          settle: async outcome => {
            for (const key of keys) await (outcome === 'delivered' ? claims.keep(key, kept) : claims.release(key))
          },
        }
      }
      if (claim === 'delivered') return DUPLICATE
      return claim === 'in-flight' ? deny('replay.in-flight', { 'known-by': knownBy(facts) }) : deny('replay.full')
    }
    return {
      decide(request, facts) {
        const keys = keysOf(route, request, facts)
        const claim = claimAll(claims, keys)
        return claim instanceof Promise ? claim.then(made => answer(made, keys, facts)) : answer(claim, keys, facts)
      },
    }
  },
  explain: async (config, asked) => (await import('./explain/replay.ts')).explainReplay(config, asked),
})

/** Claims every key or none: what one request holds in part, another can't have either. */
function claimAll(claims: ClaimStore, keys: readonly string[]): Claim | Promise<Claim> {
  for (const [index, key] of keys.entries()) {
    const claim = claims.claim(key, IN_FLIGHT_MS)
    if (claim instanceof Promise) return claimLate(claims, keys, index, claim)
    if (claim === 'fresh') continue
    for (const held of keys.slice(0, index)) void claims.release(held)
    return claim
  }
  return 'fresh'
}

async function claimLate(
  claims: ClaimStore,
  keys: readonly string[],
  from: number,
  pending: Promise<Claim>,
): Promise<Claim> {
  let claim = await pending
  let index = from
  while (claim === 'fresh' && ++index < keys.length) claim = await claims.claim(keys[index] ?? '', IN_FLIGHT_MS)
  if (claim !== 'fresh') for (const held of keys.slice(0, index)) await claims.release(held)
  return claim
}

function knownBy(facts: Facts): string {
  if (facts.eventId !== undefined) return 'event id'
  return facts.nonce === undefined ? 'body' : 'signature'
}

/**
 * What the event is known by. An event id that is not signed is joined by what was: whoever repeats a captured request
 * can write another id, and the sender's own second try comes with the same id and another signature.
 */
function keysOf(route: string, request: BodyRequest, facts: Facts): string[] {
  const keys: string[] = []
  if (facts.nonce !== undefined) keys.push(keyOf(route, 'nonce', facts.nonce))
  // Of one principal: else a partner could use up the ids of another.
  if (facts.eventId !== undefined) keys.push(keyOf(route, 'event', `${facts.principal ?? ''}\0${facts.eventId}`))
  if (keys.length === 0) keys.push(keyOf(route, 'body', hash('sha256', request.raw, 'hex')))
  return keys
}

/** Of one short length, so that memory is bounded by the number of keys. The route keeps tenants apart. */
function keyOf(route: string, kind: string, value: string): string {
  return hash('sha256', `${kind}\0${route}\0${value}`, 'base64url').slice(0, KEY_LENGTH)
}
