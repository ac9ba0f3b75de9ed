import { type Handshake, plainAnswer, readQuery } from '../challenge.ts'
import { answerChallenge, CHALLENGE } from '../providers/braintree.ts'

/**
 * The answer is a MAC over what the asker chose, under the key of events. It is of a form that no event is taken in, so
 * that it never serves as a signature.
 */
export const braintree: Handshake = {
  kind: 'handshake',
  page: 'https://developer.paypal.com/braintree/docs/guides/webhooks/create',
  summary: 'A GET with bt_challenge in the query, which is answered with the public key and an HMAC of it.',
  needs: 'open-until',
  pairs: false,
  method: 'GET',
  read({ query }) {
    const asked = readQuery(query, 'bt_challenge')
    if (asked === undefined || asked === 'malformed') return asked
    const text = asked.bt_challenge
    return CHALLENGE.test(text) ? { answer: key => plainAnswer(answerChallenge(text, key)) } : 'malformed'
  },
}
