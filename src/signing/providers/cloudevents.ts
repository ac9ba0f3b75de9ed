import type { UnsignedService } from '../provider.ts'

export const cloudevents: UnsignedService = {
  id: 'cloudevents',
  name: 'CloudEvents webhooks',
  page: 'https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md',
  summary: 'Nothing is signed: the sender shows a bearer token, and asks with OPTIONS before it sends.',
  instead: {
    check: 'bearer',
    checks: ['bearer: { tokens: [{ name: cloudevents, env: CLOUDEVENTS_TOKEN }] }'],
    bodyChecks: ['challenge: { provider: cloudevents, origins: [eventemitter.example.com] }'],
  },
  passHeaders: ['ce-id', 'ce-source', 'ce-type', 'ce-specversion', 'ce-time', 'ce-subject'],
  repeats: true,
  traps: [
    'In binary mode id, source and type of an event are in headers (ce-id and so on), which pass-headers lets through: name those of extensions beside them.',
    'replay does not read those headers, and would take two events with the same data for one: let the CRM look at source and id.',
    'In place of eventemitter.example.com stands the name that your sender gives in WebHook-Request-Origin.',
    'The standard lets a sender put the token into the query as access_token: bearer takes it from Authorization alone.',
    'A token says nothing of the body: let it come over https alone.',
    'WebHook-Request-Callback is a URL that a stranger chooses: it is never called.',
  ],
}
