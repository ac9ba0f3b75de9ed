import { emptyAnswer, type Handshake } from '../challenge.ts'

export const asana: Handshake = {
  kind: 'handshake',
  page: 'https://developers.asana.com/reference/createwebhook',
  summary: 'A POST with X-Hook-Secret, the secret of the events to come; it is kept and answered in the same field.',
  needs: 'open-until',
  pairs: true,
  method: 'POST',
  read({ headers }) {
    const secret = headers.one('x-hook-secret')
    if (secret === undefined) return undefined
    if (secret === null || !/^[A-Za-z0-9+/=_-]{16,256}$/.test(secret)) return 'malformed'
    return { answer: emptyAnswer(['X-Hook-Secret', secret]), secret }
  },
}
