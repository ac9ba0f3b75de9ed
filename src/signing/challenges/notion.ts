import { emptyAnswer, type Handshake, isObject } from '../challenge.ts'

export const notion: Handshake = {
  kind: 'handshake',
  page: 'https://developers.notion.com/reference/webhooks',
  summary:
    'A POST whose JSON holds verification_token, the secret of the events to come; it is kept, and pasted into Notion.',
  needs: 'open-until',
  pairs: true,
  method: 'POST',
  read: () => 'body',
  readBody(body) {
    const secret = isObject(body) ? body.verification_token : undefined
    if (typeof secret !== 'string' || !/^[A-Za-z0-9_-]{16,256}$/.test(secret)) return 'malformed'
    return { answer: emptyAnswer(), secret }
  },
}
