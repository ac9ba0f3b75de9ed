import { isObject, plainAnswer, type SignedChallenge } from '../challenge.ts'

export const slack: SignedChallenge = {
  kind: 'signed',
  page: 'https://docs.slack.dev/reference/events/url_verification',
  summary: 'A signed event url_verification; its challenge is answered as text.',
  answer({ body }) {
    if (!isObject(body) || body.type !== 'url_verification') return undefined
    const { challenge } = body
    return typeof challenge === 'string' && /^[A-Za-z0-9_.-]{1,256}$/.test(challenge)
      ? plainAnswer(challenge)
      : 'malformed'
  },
}
