import { asymmetricScheme } from '../asymmetric.ts'
import { publicKey } from '../key-form.ts'
import type { Provider } from '../provider.ts'

export const sendgrid: Provider = {
  id: 'sendgrid',
  name: 'SendGrid Event Webhook',
  page: 'https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features',
  summary:
    'ECDSA on P-256 with SHA-256 over timestamp and raw body, base64 of ASN.1, in X-Twilio-Email-Event-Webhook-Signature.',
  scheme: asymmetricScheme({
    algorithm: 'ecdsa-p256',
    header: 'X-Twilio-Email-Event-Webhook-Signature',
    encoding: 'base64',
    payload: '{timestamp}{body}',
    timestamp: { header: 'X-Twilio-Email-Event-Webhook-Timestamp', unit: 's' },
  }),
  publicKey: publicKey(
    'ecdsa-p256',
    'spki',
    "the webhook's verification key: base64 on one line, without BEGIN and END",
    'SendGrid: Settings, Mail Settings, Event Webhooks, the webhook, Signature Verification, Verification Key.',
  ),
  traps: [
    'The header is absent until Signature Verification is switched on for the webhook.',
    'The body ends with CR LF, and has them between its events: whatever reads and writes it anew breaks the signature.',
    'One request holds many events, each with an sg_event_id of its own; replay knows the request as a whole.',
    'SendGrid names no tolerance: five minutes are used unless the config says otherwise.',
    'Each webhook of an account has its own key: list them all, where several send here.',
  ],
  response: '2xx.',
}
