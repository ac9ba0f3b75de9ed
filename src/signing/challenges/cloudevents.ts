import { emptyAnswer, type Handshake } from '../challenge.ts'

export const cloudevents: Handshake = {
  kind: 'handshake',
  page: 'https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection',
  summary: 'An OPTIONS with WebHook-Request-Origin, which is allowed where it is listed. A callback is never called.',
  needs: 'origins',
  pairs: false,
  method: 'OPTIONS',
  read({ headers }) {
    const origin = headers.one('webhook-request-origin')
    if (origin === undefined) return undefined
    if (origin === null || !/^[A-Za-z0-9.-]{1,253}$/.test(origin)) return 'malformed'
    const answer = emptyAnswer(['Allow', 'POST'], ['WebHook-Allowed-Origin', origin], ['WebHook-Allowed-Rate', '*'])
    return { answer, shows: origin.toLowerCase() }
  },
}
