import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const mandrill: Provider = {
  id: 'mandrill',
  name: 'Mailchimp Transactional, Mandrill',
  page: 'https://mandrill.zendesk.com/hc/en-us/articles/360039232513-How-to-Authenticate-Webhook-Requests',
  summary: 'HMAC-SHA1 over the public URL and the sorted form parameters, base64, in X-Mandrill-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha1',
    header: 'X-Mandrill-Signature',
    encoding: 'base64',
    payload: '{url}{form:sorted}',
  }),
  secret: textSecret(
    "the webhook's key, used as text",
    'Mailchimp Transactional: Webhooks, the column Key; or the answer to webhooks/add.',
    'service',
  ),
  traps: [
    'The URL is signed as it was entered: set public-url where the gate stands behind another name, and mind a slash at its end.',
    'The events are one form field, mandrill_events, which holds JSON: accept form.',
    'Each webhook has a key of its own, and a reset changes it at once.',
    'There is no timestamp: add replay.',
  ],
  accept: ['form'],
}
