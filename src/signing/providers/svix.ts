import { firstPresent } from '../alternatives.ts'
import { hmacScheme } from '../hmac.ts'
import type { Provider } from '../provider.ts'
import { standardWebhooks } from './standard-webhooks.ts'

const family = (prefix: 'svix' | 'webhook') =>
  hmacScheme({
    algorithm: 'sha256',
    header: `${prefix}-signature`,
    encoding: 'base64',
    list: { separator: ' ', tag: 'v1,' },
    payload: '{id}.{timestamp}.{body}',
    timestamp: { header: `${prefix}-timestamp`, unit: 's' },
    id: { header: `${prefix}-id` },
  })

/** The names that Svix's own endpoints send. */
export const svixHeaders = family('svix')

export const svix: Provider = {
  id: 'svix',
  name: 'Svix',
  page: 'https://docs.svix.com/receiving/verifying-payloads/how-manual',
  summary:
    'HMAC-SHA256 over id, ".", timestamp, "." and raw body, base64, as v1 in svix-signature, or in webhook-signature where no svix-signature is sent.',
  scheme: {
    ...firstPresent([
      { header: 'svix-signature', scheme: svixHeaders },
      { header: 'webhook-signature', scheme: family('webhook') },
    ]),
    sign: svixHeaders.sign,
  },
  secret: {
    ...standardWebhooks.secret,
    where: "The sender's page for the endpoint, Signing secret. Many services send through Svix.",
  },
  eventId: { header: 'svix-id', elsewhere: 'webhook-id', signed: true },
  traps: [
    'The part after whsec_ is decoded from base64 before it is the key.',
    'While a secret is rolled there are several v1, separated by blanks; any that matches counts.',
    'Where both families of headers come, the svix ones alone are looked at.',
  ],
}
