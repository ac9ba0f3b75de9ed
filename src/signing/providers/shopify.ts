import { firstPresent } from '../alternatives.ts'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

const family = (header: string) => hmacScheme({ algorithm: 'sha256', header, encoding: 'base64', payload: '{body}' })

export const shopify: Provider = {
  id: 'shopify',
  name: 'Shopify',
  page: 'https://shopify.dev/docs/apps/build/webhooks/subscribe/https#step-2-validate-the-origin-of-your-webhook-to-ensure-its-coming-from-shopify',
  summary:
    'HMAC-SHA256 over the raw body, base64, in X-Shopify-Hmac-Sha256; deliveries of events use shopify-hmac-sha256.',
  // The first is how this side signs; the second family is looked at first, as Shopify's own library does.
  scheme: firstPresent([
    { header: 'shopify-hmac-sha256', scheme: family('shopify-hmac-sha256') },
    { header: 'X-Shopify-Hmac-Sha256', scheme: family('X-Shopify-Hmac-Sha256') },
  ]),
  secret: textSecret(
    "the app's client secret, used as text",
    'Dev Dashboard: the app, Settings, Client secret. Webhooks made in the admin have a secret of the store.',
    'service',
  ),
  eventId: { header: 'X-Shopify-Webhook-Id', elsewhere: 'shopify-webhook-id', signed: false },
  passHeaders: ['X-Shopify-Topic', 'X-Shopify-Shop-Domain'],
  traps: [
    "Webhooks that were made in the admin are signed with a secret of the store (Settings, Notifications, Webhooks), not with the app's.",
    'There is no signed timestamp: add replay.',
    'The topic is not signed: two topics that send one body, as orders/create and orders/paid may, have one signature, and replay takes the second for a copy of the first. Give each such topic a URL and a route of its own.',
  ],
}
