import { createHmac } from 'node:crypto'
import { isObject, type SignedChallenge } from '../challenge.ts'

/** Without a colon, so that it is never the text "v0:timestamp:body" that Zoom signs its events by. */
const PLAIN_TOKEN = /^[A-Za-z0-9_-]{1,64}$/

export const zoom: SignedChallenge = {
  kind: 'signed',
  page: 'https://developers.zoom.us/docs/api/webhooks/#validate-your-webhook-endpoint',
  summary:
    'A signed event endpoint.url_validation, at first and every 72 hours; its plainToken is answered with its HMAC-SHA256.',
  answer({ body, key }) {
    if (key === undefined || !isObject(body) || body.event !== 'endpoint.url_validation') return undefined
    const plainToken = isObject(body.payload) ? body.payload.plainToken : undefined
    if (typeof plainToken !== 'string' || !PLAIN_TOKEN.test(plainToken)) return 'malformed'
    const encryptedToken = createHmac('sha256', key).update(plainToken).digest('hex')
    return {
      headers: [['Content-Type', 'application/json']],
      body: JSON.stringify({ plainToken, encryptedToken }),
    }
  },
}
