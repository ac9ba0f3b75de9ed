import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const gitbook: Provider = {
  id: 'gitbook',
  name: 'GitBook webhooks',
  page: 'https://github.com/GitbookIO/integrations/tree/main/integrations/webhook',
  summary:
    'HMAC-SHA256 over timestamp, "." and raw body, hexadecimal, as v1 beside t in X-GitBook-Signature, as the code of GitBook\'s own Webhook integration makes it.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-GitBook-Signature',
    encoding: 'hex',
    list: { separator: ',', tag: 'v1=', timestampTag: 't=' },
    timestamp: { unit: 's' },
    payload: '{timestamp}.{body}',
  }),
  secret: textSecret(
    "the integration's secret, used as text",
    'GitBook: the Webhook integration in the space or site, Configuration.',
    'service',
  ),
  traps: [
    'Integrations of your own are called by GitBook with another header, X-GitBook-Integration-Signature: they are not this provider.',
    'Retries, which end after some seconds, carry the first signature again: add replay.',
  ],
}
