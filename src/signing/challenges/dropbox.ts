import { type Handshake, plainAnswer, readQuery } from '../challenge.ts'

export const dropbox: Handshake = {
  kind: 'handshake',
  page: 'https://www.dropbox.com/developers/reference/webhooks',
  summary: 'A GET with challenge, which is answered as text that no browser takes for a page.',
  needs: 'open-until',
  pairs: false,
  method: 'GET',
  read({ query }) {
    const asked = readQuery(query, 'challenge')
    if (asked === undefined || asked === 'malformed') return asked
    return /^[A-Za-z0-9_-]{1,256}$/.test(asked.challenge) ? { answer: plainAnswer(asked.challenge) } : 'malformed'
  },
}
