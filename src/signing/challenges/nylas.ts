import { type Handshake, plainAnswer, readQuery } from '../challenge.ts'

export const nylas: Handshake = {
  kind: 'handshake',
  page: 'https://github.com/nylas/cli/blob/main/internal/adapters/webhookserver/server.go',
  summary: 'A GET with challenge, which is answered as text.',
  needs: 'open-until',
  pairs: false,
  method: 'GET',
  read({ query }) {
    const asked = readQuery(query, 'challenge')
    if (asked === undefined || asked === 'malformed') return asked
    return /^[A-Za-z0-9_-]{1,256}$/.test(asked.challenge) ? { answer: plainAnswer(asked.challenge) } : 'malformed'
  },
}
