import type { UnsignedService } from '../provider.ts'

export const okta: UnsignedService = {
  id: 'okta',
  name: 'Okta event hooks',
  page: 'https://developer.okta.com/docs/concepts/event-hooks/',
  summary: 'Nothing is signed: Okta sends a fixed text that you chose in Authorization.',
  instead: {
    check: 'api-key',
    checks: ['api-key: { header: Authorization, keys: [{ name: okta, env: OKTA_KEY }] }'],
  },
  traps: [
    'Enter "Bearer " and the text as the authentication secret: the check reads Authorization so.',
    'The text is the same in every request, so whoever reads one can send others: change it now and then, and give two keys while you do.',
    'Before it sends, Okta tries the endpoint by a GET with X-Okta-Verification-Challenge: add challenge with provider okta and a window.',
    'Events come in lists and may come twice: replay remembers the whole body, and the CRM should look at eventId.',
  ],
  response: '200 or 204, empty, within 3 seconds.',
}
