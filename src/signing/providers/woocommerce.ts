import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

const form = textSecret(
  'any text that you chose, or that WooCommerce made',
  'WooCommerce: Settings, Advanced, Webhooks, the webhook, Secret.',
  'operator',
)

/** What wp_specialchars_decode makes characters of: named, decimal and hexadecimal. */
const ENTITIES: readonly (readonly [RegExp, string])[] = [
  [/&quot;|&#0*34;|&#x0*22;/gi, '"'],
  [/&#0*39;|&#x0*27;/gi, "'"],
  [/&lt;|&#0*60;|&#x0*3c;/gi, '<'],
  [/&gt;|&#0*62;|&#x0*3e;/gi, '>'],
  // Last, so that nothing is decoded twice.
  [/&amp;|&#0*38;|&#x0*26;/gi, '&'],
]

export const woocommerce: Provider = {
  id: 'woocommerce',
  name: 'WooCommerce',
  page: 'https://github.com/woocommerce/woocommerce/blob/trunk/plugins/woocommerce/includes/class-wc-webhook.php',
  summary: 'HMAC-SHA256 over the raw body, base64, in X-WC-Webhook-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-WC-Webhook-Signature',
    encoding: 'base64',
    payload: '{body}',
  }),
  secret: {
    ...form,
    // WooCommerce decodes what it stored before it signs, so either way to write the secret is taken.
    parse: secret =>
      Buffer.from(
        ENTITIES.reduce(
          (text, [entity, character]) => text.replace(entity, character),
          secret.bytes().toString('latin1'),
        ),
        'latin1',
      ),
  },
  eventId: { header: 'X-WC-Webhook-Delivery-ID', signed: false },
  passHeaders: ['X-WC-Webhook-Topic'],
  traps: [
    'Saving the webhook sends an unsigned form, webhook_id and a number, that must be answered 200 or the webhook stays off: it is refused here, so set the status to active by hand.',
    'A plugin can change the algorithm; anything but SHA-256 is refused.',
    'There is no timestamp: add replay.',
    'The topic is not signed: order.created and order.updated may send one body, and replay takes the second for a copy of the first where their secret is one. Give each webhook a secret of its own.',
  ],
  response:
    '2xx, 301 or 302 within 60 seconds; there is no second try, and more than 5 failures in a row turn the webhook off.',
}
