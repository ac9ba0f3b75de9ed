import { type Handshake, plainAnswer, readQuery } from '../challenge.ts'

export const websub: Handshake = {
  kind: 'handshake',
  page: 'https://www.w3.org/TR/websub/#hub-verifies-intent',
  summary: 'A GET with hub.mode, hub.topic and hub.challenge; a subscription to a listed topic is confirmed, no other.',
  needs: 'topics',
  pairs: false,
  method: 'GET',
  read({ query }) {
    const asked = readQuery(query, 'hub.mode', 'hub.topic', 'hub.challenge')
    if (asked === undefined || asked === 'malformed') return asked
    // Nobody here asks a hub to end a subscription, so whoever did is a stranger.
    if (asked['hub.mode'] !== 'subscribe') return 'malformed'
    if (!/^[A-Za-z0-9._~+/=-]{1,256}$/.test(asked['hub.challenge'])) return 'malformed'
    return { answer: plainAnswer(asked['hub.challenge']), shows: asked['hub.topic'] }
  },
}
