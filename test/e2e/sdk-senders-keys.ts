import { createSecretKey, hash } from 'node:crypto'
import { createRequire } from 'node:module'
import { EventWebhook } from '@sendgrid/eventwebhook'
import { verifySignature } from '@vonage/jwt'
import { fiveMinutes, ofProvider, type Sender } from './sdk-sender.ts'

/** What is used of a library whose types leave it out. */
interface MessageBird {
  verify(url: string, payload: Buffer, jwt: string, key: ReturnType<typeof createSecretKey>): Promise<boolean>
}
const messagebird: MessageBird = createRequire(import.meta.url)('messagebird/lib/webhook-signature-jwt.js')
const sendgrid = new EventWebhook()

/** The claims of a token, whoever signed it. */
const claimsOf = (token: string) => JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())

/** Services that sign a token, or with a private key; their libraries only verify. */
export const keySenders: readonly Sender[] = [
  {
    name: 'messagebird',
    ...ofProvider('messagebird'),
    query: () => 'a=1&b=two',
    // A token lives for a minute, and clocks may differ by five seconds.
    window: { past: 65_000, ahead: 5_000 },
    verify: ({ url, body, headers }, secret) =>
      messagebird.verify(
        url,
        Buffer.from(body),
        String(headers['MessageBird-Signature-JWT']),
        createSecretKey(Buffer.from(secret)),
      ),
  },
  {
    name: 'vonage',
    ...ofProvider('vonage'),
    window: fiveMinutes,
    // The library leaves the claim that binds the body to its users.
    verify({ body, headers }, secret) {
      const token = String(headers.Authorization).replace(/^Bearer /, '')
      return verifySignature(token, secret) && claimsOf(token).payload_hash === hash('sha256', body, 'hex')
    },
  },
  {
    name: 'sendgrid',
    ...ofProvider('sendgrid'),
    window: fiveMinutes,
    verify: ({ body, headers }, key) =>
      sendgrid.verifySignature(
        sendgrid.convertPublicKeyToECDSA(key),
        body,
        String(headers['X-Twilio-Email-Event-Webhook-Signature']),
        String(headers['X-Twilio-Email-Event-Webhook-Timestamp']),
      ),
  },
]
