import { anyOf } from '../alternatives.ts'
import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

const signature = (number: number) =>
  hmacScheme({
    algorithm: 'sha256',
    header: `X-DocuSign-Signature-${number}`,
    encoding: 'base64',
    payload: '{body}',
  })

export const docusign: Provider = {
  id: 'docusign',
  name: 'Docusign Connect',
  page: 'https://developers.docusign.com/platform/webhooks/connect/validate/',
  summary:
    "HMAC-SHA256 over the raw body, base64, in X-DocuSign-Signature-1, -2 and so on, one for each key of the account. This rests on Docusign's example code and blog; that there are more headers than the first, on what others wrote.",
  scheme: anyOf(signature(1), signature(2), signature(3), signature(4), signature(5)),
  secret: textSecret(
    'the Connect key, used as text although it looks like base64',
    'Docusign Admin: Connect, Connect Keys, Add Secret Key. It is shown once.',
    'service',
  ),
  traps: [
    'The configuration must say Include HMAC Signature, or nothing is signed.',
    'Of several headers any that matches under a secret of the route counts; the first five are looked at.',
    'It sends XML where the configuration says so: accept text/xml then.',
    'There is no timestamp: add replay.',
  ],
}
