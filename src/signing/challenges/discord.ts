import { emptyAnswer, isObject, type SignedChallenge } from '../challenge.ts'

/** Of webhook events 0 is the PING and 1 an event; of interactions, which have other members, 1 is the PING. */
export const discord: SignedChallenge = {
  kind: 'signed',
  page: 'https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint-acknowledging-ping-requests',
  summary:
    'A signed PING; that of interactions is answered with {"type":1}, that of webhook events with 204 (https://docs.discord.com/developers/events/webhook-events#preparing-for-events).',
  answer({ body }) {
    if (!isObject(body) || 'event' in body || 'data' in body) return undefined
    if (body.type === 1) return { headers: [['Content-Type', 'application/json']], body: '{"type":1}' }
    return body.type === 0 ? { ...emptyAnswer(['Content-Type', 'application/json']), status: 204 } : undefined
  },
}
