import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const intercom: Provider = {
  id: 'intercom',
  name: 'Intercom',
  page: 'https://developers.intercom.com/docs/webhooks/setting-up-webhooks',
  summary:
    'HMAC-SHA1 over the raw body, hexadecimal, in X-Hub-Signature. The page tells how endpoints are checked; the scheme itself rests on agreeing receivers in public use.',
  scheme: hmacScheme({
    algorithm: 'sha1',
    header: 'X-Hub-Signature',
    encoding: 'hex',
    prefix: 'sha1=',
    payload: '{body}',
  }),
  secret: textSecret(
    "the app's client secret, used as text",
    'Developer Hub: the app, Configure, Basic information, Client secret.',
    'service',
  ),
  traps: [
    'The header has the name that GitHub uses for its old signature; it is SHA-1 here.',
    'Setting the URL sends a HEAD request that must succeed: it carries no signature, so open a window for it with challenge.',
    'There is no timestamp: add replay.',
  ],
}
