import { isObject, type SignedChallenge } from '../challenge.ts'

export const frontApplication: SignedChallenge = {
  kind: 'signed',
  page: 'https://dev.frontapp.com/docs/application-webhooks#application-webhook-validation',
  summary:
    'A signed notification of type sync with X-Front-Challenge, whenever the webhook is saved; that is answered as "challenge" of a JSON object.',
  // The header is not signed, so that nothing else than this notification makes it count.
  answer({ body, headers }) {
    const challenge = headers.one('x-front-challenge')
    if (challenge === undefined || !isObject(body) || body.type !== 'sync') return undefined
    if (challenge === null || !/^[A-Za-z0-9._~+/=-]{1,256}$/.test(challenge)) return 'malformed'
    return { headers: [['Content-Type', 'application/json']], body: JSON.stringify({ challenge }) }
  },
}
