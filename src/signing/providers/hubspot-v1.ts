import { withFixedHeader } from '../fixed-header.ts'
import { prefixHash } from '../prefix-hash.ts'
import type { Provider } from '../provider.ts'
import { hubspotSecret } from './hubspot-v3.ts'

export const hubspotV1: Provider = {
  id: 'hubspot-v1',
  name: 'HubSpot, version 1',
  page: 'https://developers.hubspot.com/docs/faq/v1-request-validation',
  summary: 'SHA-256 over the client secret and the raw body, hexadecimal, in X-HubSpot-Signature: no HMAC.',
  scheme: withFixedHeader(
    'X-HubSpot-Signature-Version',
    'v1',
    prefixHash('X-HubSpot-Signature', () => ''),
  ),
  secret: hubspotSecret,
  traps: [
    'HubSpot sends version 3 beside it, which is stronger: use hubspot-v3 where it comes.',
    'A request of another version is refused, and never tried as this one.',
    'Such a hash can be gone on with by a stranger: a body with a zero byte, which that needs, is refused.',
    'There is no timestamp: add replay.',
  ],
}
