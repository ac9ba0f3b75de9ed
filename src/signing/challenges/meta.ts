import { type Handshake, plainAnswer, readQuery } from '../challenge.ts'

export const meta: Handshake = {
  kind: 'handshake',
  page: 'https://developers.facebook.com/docs/graph-api/webhooks/getting-started/',
  summary: 'A GET with hub.mode, hub.verify_token and hub.challenge; the last is answered where the token is yours.',
  needs: 'verify-token',
  pairs: false,
  method: 'GET',
  read({ query }) {
    const asked = readQuery(query, 'hub.mode', 'hub.verify_token', 'hub.challenge')
    if (asked === undefined || asked === 'malformed') return asked
    if (asked['hub.mode'] !== 'subscribe' || !/^[A-Za-z0-9_-]{1,128}$/.test(asked['hub.challenge'])) return 'malformed'
    return { answer: plainAnswer(asked['hub.challenge']), shows: asked['hub.verify_token'] }
  },
}
