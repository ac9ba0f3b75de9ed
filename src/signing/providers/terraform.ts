import { hmacScheme } from '../hmac.ts'
import { type Provider, textSecret } from '../provider.ts'

export const terraform: Provider = {
  id: 'terraform',
  name: 'HCP Terraform and Terraform Enterprise',
  page: 'https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-authenticity',
  summary: 'HMAC-SHA512 over the raw body, hexadecimal, in X-TFE-Notification-Signature.',
  scheme: hmacScheme({
    algorithm: 'sha512',
    header: 'X-TFE-Notification-Signature',
    encoding: 'hex',
    payload: '{body}',
  }),
  secret: textSecret(
    'the token that you chose, used as text',
    "HCP Terraform: the workspace, Settings, Notifications, the notification's Token. It can not be seen again.",
    'operator',
  ),
  traps: [
    'The digest is SHA-512.',
    'Without a token nothing is signed, and only generic notifications have one.',
    'Enabling a notification sends a test, which must be answered with 2xx.',
    'There is no timestamp: add replay.',
  ],
  response: '2xx.',
}
