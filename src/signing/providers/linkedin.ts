import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const linkedin: Provider = {
  id: 'linkedin',
  name: 'LinkedIn',
  page: 'https://learn.microsoft.com/en-us/linkedin/shared/api-guide/webhook-validation',
  summary:
    'HMAC-SHA256 over "hmacsha256=" and raw body, hexadecimal, in X-LI-Signature. The page leaves the encoding of the header open; it is that of the challenge.',
  scheme: hmacScheme({
    algorithm: 'sha256',
    header: 'X-LI-Signature',
    encoding: 'hex',
    payload: 'hmacsha256={body}',
  }),
  secret: textSecret(
    "the application's client secret, used as text",
    'LinkedIn Developer Portal: the application, Auth, Primary Client Secret.',
    'service',
  ),
  traps: [
    'hmacsha256= stands before the body in what is signed, and not in the header.',
    'LinkedIn tries the endpoint every two hours by a GET with challengeCode, and wants it signed with the client secret. The gate signs nothing that a stranger chose: let a route for GET pass it to a program of yours that answers.',
    'There is no timestamp: add replay.',
  ],
  response: '2xx.',
}
