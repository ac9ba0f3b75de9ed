import type { Handshake } from '../challenge.ts'

export const okta: Handshake = {
  kind: 'handshake',
  page: 'https://developer.okta.com/docs/concepts/event-hooks/#one-time-verification-request',
  summary: 'A GET with X-Okta-Verification-Challenge, which is answered as "verification" of a JSON object.',
  needs: 'open-until',
  pairs: false,
  method: 'GET',
  read({ headers }) {
    const value = headers.one('x-okta-verification-challenge')
    if (value === undefined) return undefined
    if (value === null || !/^[A-Za-z0-9._~+/=-]{1,512}$/.test(value)) return 'malformed'
    return {
      answer: { headers: [['Content-Type', 'application/json']], body: JSON.stringify({ verification: value }) },
    }
  },
}
