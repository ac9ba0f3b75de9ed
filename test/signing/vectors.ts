/** Signatures that providers published, each with where. All were made by others than this project. */
export interface Vector {
  readonly provider: string
  readonly name: string
  readonly source: string
  readonly secret: string
  /** The clock, where a timestamp is signed. */
  readonly now?: string
  readonly url?: string
  /** Default POST. */
  readonly method?: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Absent: it verifies. */
  readonly code?: string
}

export const vectors: readonly Vector[] = [
  {
    provider: 'github',
    name: 'octokit: HMAC-SHA256 over raw body',
    source: 'octokit/webhooks-methods.js test/verify.test.ts@da0cc1c',
    secret: 'mysecret',
    headers: {
      'X-Hub-Signature-256': 'sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3',
    },
    body: '{"foo":"bar"}',
  },
  {
    provider: 'github',
    name: 'octokit: wrong secret',
    source: 'octokit/webhooks-methods.js test/verify.test.ts@da0cc1c',
    secret: 'foo',
    headers: {
      'X-Hub-Signature-256': 'sha256=4864d2759938a15468b5df9ade20bf161da9b4f737ea61794142f3484236bda3',
    },
    body: '{"foo":"bar"}',
    code: 'signature.mismatch',
  },
  {
    provider: 'github',
    name: 'octokit: body containing a literal escaped backslash-u sequence',
    source: 'octokit/webhooks-methods.js test/verify.test.ts@da0cc1c',
    secret: 'development',
    headers: {
      'X-Hub-Signature-256': 'sha256=6f8326efbacfbd04e870cea25b5652e635be8c9807f2fd5348ef60753c9e96ed',
    },
    body: '{"foo":"\\\\u001b"}',
  },
  {
    provider: 'standard-webhooks',
    name: 'sign() reference vector',
    source:
      'standard-webhooks/standard-webhooks libraries/javascript/src/webhook.test.ts@b2fa7b8 ("sign function works")',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    now: '2021-02-25T15:02:10Z',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    body: '{"test": 2432232314}',
  },
  {
    provider: 'standard-webhooks',
    name: 'multi-signature header (bad v1, v2, good v1, bad v1)',
    source:
      'standard-webhooks/standard-webhooks libraries/javascript/src/webhook.test.ts@b2fa7b8 ("sign function works")',
    secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    now: '2021-02-25T15:02:10Z',
    headers: {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature':
        'v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=',
    },
    body: '{"test": 2432232314}',
  },
  {
    provider: 'twilio',
    name: 'form POST',
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
    headers: {
      'X-Twilio-Signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
  },
  {
    provider: 'twilio',
    name: 'JSON body with bodySHA256 query param: signature is over URL only, body hash compared separately',
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: 'https://mycompany.com/myapp.php?foo=1&bar=2&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620',
    headers: {
      'X-Twilio-Signature': 'a9nBmqA0ju/hNViExpshrM61xv4=',
      'Content-Type': 'application/json',
    },
    body: '{"property": "value", "boolean": true}',
  },
  {
    provider: 'twilio',
    name: 'JSON body, bodySHA256 is the only query param',
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: 'https://mycompany.com/myapp.php?bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620',
    headers: {
      'X-Twilio-Signature': 'y77kIzt2vzLz71DgmJGsen2scGs=',
      'Content-Type': 'application/json',
    },
    body: '{"property": "value", "boolean": true}',
  },
  {
    provider: 'twilio',
    name: 'http URL with port 1234 signed with the port',
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: 'http://mycompany.com:1234/myapp.php?foo=1&bar=2',
    headers: {
      'X-Twilio-Signature': 'Zmvh+3yNM1Phv2jhDCwEM3q5ebU=',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
  },
  {
    provider: 'twilio',
    name: 'signature made over http URL with :80 while request URL has no port',
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: 'http://mycompany.com/myapp.php?foo=1&bar=2',
    headers: {
      'X-Twilio-Signature': '0ZXoZLH/DfblKGATFgpif+LLRf4=',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
  },
  {
    provider: 'twilio',
    name: 'URL with user only',
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: 'https://user@mycompany.com/myapp.php?foo=1&bar=2',
    headers: {
      'X-Twilio-Signature': '2YRLlVAflCqxaNicjMpJcSTgzSs=',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
  },
  {
    provider: 'twilio',
    name: "URL with an apostrophe in the query (Body=It's+amazing)",
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: "https://mycompany.com/myapp.php?foo=1&bar=2&Body=It's+amazing",
    headers: {
      'X-Twilio-Signature': 'TfZzewPq8wqrGlMfyAud8+/IvJ0=',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212',
  },
  {
    provider: 'twilio',
    name: 'repeated form parameter, other order',
    source: 'twilio/twilio-node spec/validation.spec.js@45d3d65',
    secret: '12345',
    url: 'https://mycompany.com/myapp.php?foo=1&bar=2',
    headers: {
      'X-Twilio-Signature': '83O6e2vORAoJHUNzJjDWN1jz+BA=',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'MessagingBinding.Address=%2B1415xxxxxxx&MessagingBinding.Address=%2B1325xxxxxxx',
  },
  {
    provider: 'slack',
    name: 'Slack docs example (verifying-requests-from-slack)',
    source: 'https://docs.slack.dev/authentication/verifying-requests-from-slack',
    secret: '8f742231b10e8888abcd99yyyzzz85a5',
    now: '2018-07-12T18:36:58Z',
    headers: {
      'X-Slack-Signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
      'X-Slack-Request-Timestamp': '1531420618',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: 'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
  },
  {
    provider: 'zendesk',
    name: 'sample of an old revision of the page, which signs body, then timestamp',
    source: 'https://developer.zendesk.com/documentation/event-connectors/webhooks/verifying/ (an old revision)',
    secret: 'HRkRd4BeOAoUkfZr-mhauJT64rvBASlJRoIyPsd3zeA=',
    now: '2021-07-25T10:00:00Z',
    headers: {
      'X-Zendesk-Webhook-Signature': 'tRDSF7URY8BLCDlaBcQ7FHu051Zk+aAB0NKMP53teMw=',
      'X-Zendesk-Webhook-Signature-Timestamp': '2021-07-25T10:00:00Z',
    },
    body: '{"say": "hello"}',
    code: 'signature.mismatch',
  },
]

/** HMAC-SHA256 in hex under the key `test_secret`; stripe/stripe-node test/crypto/helpers.ts@6639421. */
export const stripePrimitives: readonly (readonly [text: string, mac: string])[] = [
  ['', 'f7f9bd47fb987337b5796fdc1fdb9ba221d0d5396814bfcaf9521f43fd8927fd'],
  ['{"obj1":"hello","obj2":"world"}', 'bebb1a643997f419b315ddba19e6f5411e1ce7f810ba6d3617ce72823092f363'],
  ['😀', '837da296d05c4fe31f61d5d7ead035099d9585a5bcde87de952012a78f0b0c43'],
]
