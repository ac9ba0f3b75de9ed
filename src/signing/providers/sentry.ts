import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'
import { refusing } from '../secret-forms.ts'

export const sentry: Provider = {
  id: 'sentry',
  name: 'Sentry integration platform',
  page: 'https://docs.sentry.io/integrations/integration-platform/webhooks/',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in Sentry-Hook-Signature.',
  scheme: hmacScheme({ algorithm: 'sha256', header: 'Sentry-Hook-Signature', encoding: 'hex', payload: '{body}' }),
  secret: refusing(
    textSecret(
      "the integration's client secret, used as text",
      'Sentry: Settings, Custom Integrations, the integration, Credentials, Client Secret.',
      'service',
    ),
    /^sntry[a-z]_/,
    'the Sentry secret is an auth token',
    "use the integration's client secret",
  ),
  eventId: { header: 'Request-ID', signed: false },
  passHeaders: ['Sentry-Hook-Resource'],
  traps: ['Sentry-Hook-Timestamp is not signed, so it is never looked at: add replay.'],
}
