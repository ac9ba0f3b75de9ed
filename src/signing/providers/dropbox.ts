import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const dropbox: Provider = {
  id: 'dropbox',
  name: 'Dropbox',
  page: 'https://www.dropbox.com/developers/reference/webhooks',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in X-Dropbox-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'X-Dropbox-Signature', encoding: 'hex', payload: '{body}' }),
  secret: refusing(
    textSecret("the app's secret, used as text", 'Dropbox App Console: the app, Settings, App secret.', 'service'),
    /^sl\./,
    'the Dropbox secret is an access token',
    "use the app's secret",
  ),
  traps: [
    'Setting the URL sends a GET with a challenge, which is not signed.',
    'The request tells whose files changed and not what: the receiver asks for that.',
    'There is no timestamp: add replay.',
  ],
  response: '200; otherwise Dropbox tries again for about 10 minutes.',
}
