import { withFixedHeader } from '../fixed-header.ts'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const sinchConversation: Provider = {
  id: 'sinch-conversation',
  name: 'Sinch Conversation and SMS',
  page: 'https://developers.sinch.com/docs/conversation/callbacks',
  summary: 'HMAC-SHA256 over raw body, ".", nonce, "." and timestamp, base64, in x-sinch-webhook-signature.',
  scheme: withFixedHeader(
    'x-sinch-webhook-signature-algorithm',
    'HmacSHA256',
    hmacScheme({
      algorithm: 'sha256',
      header: 'x-sinch-webhook-signature',
      encoding: 'base64',
      payload: '{body}.{id}.{timestamp}',
      timestamp: { header: 'x-sinch-webhook-signature-timestamp', unit: 's' },
      id: { header: 'x-sinch-webhook-signature-nonce' },
    }),
  ),
  secret: textSecret(
    'any text that you chose',
    'Sinch: the secret that was given for the webhook (Conversation) or the service plan (SMS).',
    'operator',
  ),
  eventId: { header: 'x-sinch-webhook-signature-nonce', signed: true },
  traps: [
    'The body stands first in what is signed.',
    'Without a secret the headers are absent.',
    'Sinch documents no tolerance for the timestamp: five minutes are used unless the config says otherwise.',
  ],
}
