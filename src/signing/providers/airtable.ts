import { hmacScheme } from '../hmac.ts'
import type { Provider } from '../provider.ts'
import { decodedSecret } from '../secret-forms.ts'

export const airtable: Provider = {
  id: 'airtable',
  name: 'Airtable',
  page: 'https://airtable.com/developers/web/api/webhooks-overview',
  summary:
    'HMAC-SHA256 over the raw body, hexadecimal, in X-Airtable-Content-MAC. The name of the header and the encoding rest on a post in its community, and on libraries that others wrote.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-Airtable-Content-MAC',
    encoding: 'hex',
    prefix: 'hmac-sha256=',
    payload: '{body}',
  }),
  secret: decodedSecret('base64', {
    looks: 'base64; it is decoded before it is the key',
    where: 'The answer to the call that creates the webhook: macSecretBase64. It is given once.',
    madeBy: 'service',
  }),
  traps: [
    'The secret is decoded from base64 before it is the key.',
    'The request tells that something changed and not what: the receiver asks for that.',
    'There is no timestamp: add replay.',
  ],
  response: '200 or 204 with an empty body.',
}
