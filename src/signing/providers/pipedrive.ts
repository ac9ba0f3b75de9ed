import type { UnsignedService } from '../provider.ts'

export const pipedrive: UnsignedService = {
  id: 'pipedrive',
  name: 'Pipedrive',
  page: 'https://pipedrive.readme.io/docs/guide-for-webhooks-v2',
  summary: 'Nothing is signed: Pipedrive sends the user and the password that the webhook was created with.',
  instead: {
    check: 'basic',
    checks: ['basic: { users: [{ name: pipedrive, password: { env: PIPEDRIVE_PASSWORD } }] }'],
  },
  traps: [
    'User and password are http_auth_user and http_auth_password of the webhook. Without them anyone can send in its name.',
    'A password says nothing of the body: let it come over https alone, and read again from Pipedrive what matters.',
  ],
}
