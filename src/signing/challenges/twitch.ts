import { isObject, plainAnswer, type SignedChallenge } from '../challenge.ts'

export const twitch: SignedChallenge = {
  kind: 'signed',
  page: 'https://dev.twitch.tv/docs/eventsub/handling-webhook-events/#responding-to-a-challenge-request',
  summary: 'A signed message webhook_callback_verification; its challenge is answered as text.',
  // The header that says so is not signed; no other message has a challenge, and every notification has an event.
  answer({ body }) {
    if (!isObject(body) || !isObject(body.subscription) || !('challenge' in body) || 'event' in body) return undefined
    const { challenge } = body
    return typeof challenge === 'string' && /^[A-Za-z0-9_.~-]{1,256}$/.test(challenge)
      ? plainAnswer(challenge)
      : 'malformed'
  },
}
