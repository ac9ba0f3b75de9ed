import { emptyAnswer, type Handshake } from '../challenge.ts'

/** A service that only looks whether the URL is there: any HEAD is its handshake. */
const byHead = (page: string, when: string): Handshake => ({
  kind: 'handshake',
  page,
  summary: `A HEAD ${when}, which is answered 200.`,
  needs: 'open-until',
  pairs: false,
  method: 'HEAD',
  read: () => ({ answer: emptyAnswer() }),
})

export const intercom = byHead(
  'https://developers.intercom.com/docs/webhooks/setting-up-webhooks',
  'when the endpoint URL is entered',
)
export const trello = byHead(
  'https://developer.atlassian.com/cloud/trello/guides/rest-api/webhooks/',
  'when the webhook is created',
)
