import { type Handshake, plainAnswer, readQuery } from '../challenge.ts'

/** Opaque; seen are words with blanks and colons. Nothing of it can begin a tag or an entity. */
const TOKEN = /^[A-Za-z0-9 .:;,_~+/=-]{1,512}$/

export const msgraph: Handshake = {
  kind: 'handshake',
  page: 'https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks#notificationurl-validation',
  summary: 'A POST with validationToken in the query, which is answered, decoded, as text within 10 seconds.',
  needs: 'open-until',
  pairs: false,
  method: 'POST',
  read({ query }) {
    const asked = readQuery(query, 'validationToken')
    if (asked === undefined || asked === 'malformed') return asked
    return TOKEN.test(asked.validationToken) ? { answer: plainAnswer(asked.validationToken) } : 'malformed'
  },
}
