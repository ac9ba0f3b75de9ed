import { hmacScheme } from '../hmac.ts'
import type { Provider } from '../provider.ts'
import { decodedSecret } from '../secret-forms.ts'

export const teamsOutgoing: Provider = {
  id: 'teams-outgoing',
  name: 'Microsoft Teams outgoing webhook',
  page: 'https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/add-outgoing-webhook',
  summary: 'HMAC-SHA256 over the raw body, base64, in Authorization behind "HMAC ".',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'Authorization',
    encoding: 'base64',
    prefix: 'HMAC ',
    payload: '{body}',
  }),
  secret: decodedSecret('base64', {
    looks: 'base64; it is decoded before it is the key',
    where: 'Teams shows the security token once, when the outgoing webhook is created.',
    madeBy: 'service',
  }),
  traps: [
    'The security token is decoded from base64 before it is the key.',
    'Whatever stands before the gate must leave Authorization alone.',
    'There is no timestamp: add replay.',
  ],
  response: 'A JSON message within 5 seconds: Teams shows it in the channel, so it is passed back.',
}
