import type { Vector } from './vectors.ts'

/** Published, as those of `vectors.ts`. */
export const crmVectors: readonly Vector[] = [
  {
    provider: 'hubspot-v1',
    name: 'v1: sha256hex(clientSecret + body)',
    source:
      '@hubspot/api-client lib/test/unit/signature.spec.js (npm 13.5.0) = developers.hubspot.com/docs/faq/v1-request-validation',
    secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
    headers: {
      'X-HubSpot-Signature-Version': 'v1',
      'X-HubSpot-Signature': '232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de',
    },
    body: '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW","appId":54321}]',
  },
  {
    provider: 'hubspot-v2',
    name: 'v2 POST with body',
    source:
      '@hubspot/api-client lib/test/unit/signature.spec.js (npm 13.5.0) = developers.hubspot.com/docs/faq/v2-request-validation',
    secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
    url: 'https://www.example.com/webhook_uri',
    headers: {
      'X-HubSpot-Signature-Version': 'v2',
      'X-HubSpot-Signature': '9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900',
    },
    body: '{"example_field":"example_value"}',
  },
  {
    provider: 'customerio',
    name: 'the documented v0:timestamp:body',
    source: 'customerio/customerio-node test/webhooks.ts@b0288a4',
    secret: 'signing-secret',
    now: '2021-02-25T15:03:04Z',
    headers: {
      'X-CIO-Timestamp': '1614265384',
      'X-CIO-Signature': '6f55cf23f9b73a2ff07733fe04421f64ce9ec5e409696edda6b2a80311944230',
    },
    body: '{"event_id":"abc","object_type":"email","metric":"delivered"}',
  },
  {
    provider: 'line',
    name: 'success',
    source: 'line/line-bot-sdk-nodejs test/validate-signature.spec.ts@3c0a10c',
    secret: 'test_secret',
    headers: { 'x-line-signature': 't7Hn4ZDHqs6e+wdvI5TyQIvzie0DmMUmuXEBqyyE/tM=' },
    body: '{"hello":"world"}',
  },
  {
    provider: 'circleci',
    name: "docs example: body 'hello world'",
    source: 'circleci/circleci-docs docs/guides/modules/integration/pages/outbound-webhooks.adoc@9734a14',
    secret: 'secret',
    headers: { 'circleci-signature': 'v1=734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a' },
    body: 'hello world',
  },
  {
    provider: 'circleci',
    name: "docs example: body 'an-important-request-payload'",
    source: 'circleci/circleci-docs docs/guides/modules/integration/pages/outbound-webhooks.adoc@9734a14',
    secret: 'hunter123',
    headers: { 'circleci-signature': 'v1=9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa' },
    body: 'an-important-request-payload',
  },
  {
    provider: 'circleci',
    name: 'docs example: invalid',
    source: 'circleci/circleci-docs docs/guides/modules/integration/pages/outbound-webhooks.adoc@9734a14',
    secret: 'secret',
    headers: { 'circleci-signature': 'v1=not-a-valid-signature' },
    body: 'foo',
    code: 'signature.malformed',
  },
  {
    provider: 'hubspot-v2',
    name: 'v2 GET without a body',
    source: 'https://developers.hubspot.com/docs/faq/v2-request-validation',
    secret: 'yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy',
    method: 'GET',
    url: 'https://www.example.com/webhook_uri',
    headers: {
      'X-HubSpot-Signature-Version': 'v2',
      'X-HubSpot-Signature': 'eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087200e',
    },
    body: '',
  },
]
