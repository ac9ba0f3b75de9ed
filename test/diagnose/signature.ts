import { createHmac, randomBytes } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { sign as signForGitHub } from '@octokit/webhooks-methods'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import Stripe from 'stripe'
import { Webhook as SvixWebhook } from 'svix'
import { getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js'
import { gateFamily, type Request, type Sent } from './gate-family.ts'

const whsec = (): string => `whsec_${randomBytes(24).toString('base64')}`
const ENV = {
  GITHUB: 'gh-6b1d0f9e4c3a8275',
  SHOPIFY: 'shp-a0c4e8d2f6b19357',
  STRIPE: whsec(),
  STANDARD: whsec(),
  OTHER: whsec(),
  SLACK: '8f742231b10e8888abcd99yyyzzz85a5',
  TWILIO: '12345678901234567890123456789012',
  OLD: 'gh-from-before-the-change-77',
  DEFAULT: 'another-webhook-of-the-same-crm',
  PLAIN: 'c2VjcmV0LW9mLXRoZS1jcm0tMjAyNg==',
}

const BODY = '{"id":5,"name":"Grüße","url":"https://crm.example/a","price":1.25,"tags":["a","b"]}'
const SHUFFLED = '{"zone":1,"action":"opened","id":9,"sender":"a","at":5,"kind":"x","by":"b","ref":2}'
const KEYS_IN_ORDER = '{"id":5,"name":"Grüße","price":1.25,"tags":["a","b"],"url":"https://crm.example/a"}'
const JSON_TYPE = { 'content-type': 'application/json' }
const hmac = (hash: string, key: string | Buffer, body: string | Buffer, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHmac(hash, key).update(body).digest(encoding)
const seconds = (): number => Math.floor(Date.now() / 1000)
const stripe = new Stripe('sk_test_unused').webhooks

/** Signed by GitHub's own library over `signed`; `body` arrives. */
function github(
  what: string,
  cause: string,
  {
    secret = ENV.GITHUB,
    signed = BODY,
    body = signed,
    headers = {},
    ...rest
  }: {
    secret?: string
    signed?: string
    body?: string | Buffer
    headers?: Record<string, string>
  } & Partial<Request> = {},
): Request {
  return {
    what,
    cause,
    ...rest,
    send: async () => ({
      path: '/github',
      headers: { ...JSON_TYPE, 'x-hub-signature-256': await signForGitHub(secret, signed), ...headers },
      body,
    }),
  }
}

/** As GitHub signs, with what is in its header. */
const written = (
  what: string,
  cause: string,
  headers: () => Record<string, string>,
  more: Partial<Request> = {},
): Request => ({
  what,
  cause,
  ...more,
  send: () => ({ path: '/github', headers: { ...JSON_TYPE, ...headers() }, body: BODY }),
})

/** Signed by Stripe's own library. */
const striped = (
  what: string,
  cause: string,
  timestamp: () => number,
  more: Partial<Request> & { secret?: string; headers?: () => Record<string, string>; path?: string } = {},
): Request => {
  const { secret = ENV.STRIPE, headers, path = '/stripe', ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: () => ({
      path,
      headers: {
        ...JSON_TYPE,
        'stripe-signature': stripe.generateTestHeaderString({ payload: BODY, secret, timestamp: timestamp() }),
        ...headers?.(),
      },
      body: BODY,
    }),
  }
}

const FORM = { From: '+491701234567', Body: 'Hello & welcome', MessageSid: 'SM0123456789' }
/** Signed by Twilio's own library for `url`. */
const twilio = (
  what: string,
  cause: string,
  url: string,
  more: Partial<Request> & { path?: string; form?: typeof FORM; headers?: Record<string, string> } = {},
): Request => {
  const { path = '/twilio', form = FORM, headers, ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: () => ({
      path,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-twilio-signature': getExpectedTwilioSignature(ENV.TWILIO, url, FORM),
        ...headers,
      },
      body: new URLSearchParams(form).toString(),
    }),
  }
}

const standardFields = (
  secret: string,
  { id = 'msg_1', at = Date.now(), body = BODY } = {},
): Record<string, string> => ({
  'webhook-id': id,
  'webhook-timestamp': String(Math.floor(at / 1000)),
  'webhook-signature': new StandardWebhook(secret).sign(id, new Date(at), body),
})
const standard = (
  what: string,
  cause: string,
  headers: () => Record<string, string>,
  more: Partial<Request> & { body?: string } = {},
): Request => {
  const { body = BODY, ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: (): Sent => ({ path: '/standard', headers: { ...JSON_TYPE, ...headers() }, body }),
  }
}
const slackOf = (base: (at: string) => string, at = String(seconds())): Record<string, string> => ({
  'x-slack-request-timestamp': at,
  'x-slack-signature': `v0=${hmac('sha256', ENV.SLACK, base(at))}`,
})
const slack = (
  what: string,
  cause: string,
  headers: () => Record<string, string>,
  more: Partial<Request> = {},
): Request => ({
  what,
  cause,
  ...more,
  send: () => ({ path: '/slack', headers: { ...JSON_TYPE, ...headers() }, body: BODY }),
})
const shopify = (what: string, cause: string, value: () => string): Request => ({
  what,
  cause,
  send: () => ({ path: '/shopify', headers: { ...JSON_TYPE, 'x-shopify-hmac-sha256': value() }, body: BODY }),
})
const pretty = (text: string): string => JSON.stringify(JSON.parse(text), null, 2)
const URL = 'https://hooks.example.com'

/** Signatures, made by the services' own libraries where there are any. */
export const signatures = gateFamily({
  name: 'signature',
  env: ENV,
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0", public-url: "${URL}" }]
routes:
  - { name: github, match: { path: /github }, checks: [{ signature: { provider: github, secrets: [{ env: GITHUB }, { name: previous, env: OLD, expires: 2026-03-01T00:00:00Z }] } }], forward: { to: UPSTREAM/in } }
  - { name: github-gzip, match: { path: /github-gzip }, checks: [{ content-encoding: { accept: [gzip] } }, { signature: { provider: github, secrets: [{ env: GITHUB }] } }], forward: { to: UPSTREAM/in } }
  - { name: github-two, match: { path: /github-two }, checks: [{ signature: { provider: github, secrets: [{ env: DEFAULT }] } }], forward: { to: UPSTREAM/in } }
  - { name: stripe, match: { path: /stripe }, checks: [{ signature: { provider: stripe, secrets: [{ env: STRIPE }] } }], forward: { to: UPSTREAM/in } }
  - { name: shopify, match: { path: /shopify }, checks: [{ signature: { provider: shopify, secrets: [{ env: SHOPIFY }] } }], forward: { to: UPSTREAM/in } }
  - { name: standard, match: { path: /standard }, checks: [{ signature: { provider: standard-webhooks, secrets: [{ env: STANDARD }] } }], forward: { to: UPSTREAM/in } }
  - { name: standard-two, match: { path: /standard-two }, checks: [{ signature: { provider: standard-webhooks, secrets: [{ env: OTHER }] } }], forward: { to: UPSTREAM/in } }
  - { name: slack, match: { path: /slack }, checks: [{ signature: { provider: slack, secrets: [{ env: SLACK }] } }], forward: { to: UPSTREAM/in } }
  - { name: twilio, match: { path: /twilio }, checks: [{ content-type: { accept: [form, json] } }, { signature: { provider: twilio, secrets: [{ env: TWILIO }] } }], forward: { to: UPSTREAM/in } }
  - { name: plain, match: { path: /plain }, checks: [{ signature: { scheme: hmac, algorithm: sha256, header: X-Signature, encoding: hex, payload: "{body}", secrets: [{ env: PLAIN }] } }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    github('the secret of another route', 'signature.other-route-secret', { secret: ENV.DEFAULT, says: /github-two/ }),
    github('the secret from before a change, which has ended', 'signature.secret-expired', {
      secret: ENV.OLD,
      says: /previous/,
    }),
    github("a line feed at the end of the sender's copy of the secret", 'signature.secret-line-end', {
      secret: `${ENV.GITHUB}\n`,
    }),
    github('the secret pasted with its quotation marks', 'signature.secret-quotes', { secret: `"${ENV.GITHUB}"` }),
    github('a blank behind the secret', 'signature.secret-blank', { secret: `${ENV.GITHUB} ` }),
    github('the secret as the sender encoded it in base64', 'signature.secret-encoded', {
      secret: Buffer.from(ENV.GITHUB).toString('base64'),
    }),
    github('a template of the sender that wrote undefined as its secret', 'signature.secret-placeholder', {
      secret: 'undefined',
    }),
    github('a secret that nobody here knows', 'signature.unknown-secret', { secret: 'of-another-installation' }),
    github('a middlebox that prints JSON with indents', 'signature.body-reserialised', { body: pretty(BODY) }),
    github('a middlebox that sorts keys', 'signature.body-reserialised', { signed: BODY, body: KEYS_IN_ORDER }),
    github('a function that writes umlauts as \\u escapes', 'signature.body-reserialised', {
      body: BODY.replace('ü', '\\u00fc').replace('ß', '\\u00df'),
    }),
    github('a middlebox that writes blanks after colons and commas', 'signature.body-reserialised', {
      signed: '{"id":5,"tags":["a","b"]}',
      body: '{"id": 5, "tags": ["a", "b"]}',
    }),
    github('PHP, which escapes slashes', 'signature.body-reserialised', {
      signed: BODY,
      body: BODY.replaceAll('/', '\\/'),
    }),
    github('a sender that signs indented JSON and sends it compact', 'signature.body-reserialised', {
      signed: pretty(BODY),
      body: JSON.stringify(JSON.parse(BODY)),
    }),
    github('a middlebox that drops a zero: 1.50 becomes 1.5', 'signature.body-reserialised', {
      signed: BODY.replace('1.25', '1.50'),
      body: BODY.replace('1.25', '1.5'),
    }),
    github('CRLF turned into LF on the way', 'signature.body-line-ends', {
      signed: '{\r\n"id": 5\r\n}',
      body: '{\n"id": 5\n}',
    }),
    github('a line feed that echo adds to the body', 'signature.body-line-end', { signed: BODY, body: `${BODY}\n` }),
    github('a line end that curl -d takes out of the file', 'signature.body-line-end', {
      signed: `${BODY}\n`,
      body: BODY,
    }),
    github('a byte order mark added by an editor', 'signature.body-byte-order-mark', {
      signed: BODY,
      body: `\ufeff${BODY}`,
    }),
    github('umlauts sent in ISO 8859-1, signed in UTF-8', 'signature.body-charset', {
      signed: BODY,
      body: Buffer.from(BODY, 'latin1'),
    }),
    {
      what: 'a proxy that compresses behind the signature',
      cause: 'signature.body-coding',
      send: async () => ({
        path: '/github-gzip',
        headers: {
          ...JSON_TYPE,
          'content-encoding': 'gzip',
          'x-hub-signature-256': await signForGitHub(ENV.GITHUB, BODY),
        },
        body: gzipSync(BODY),
      }),
    },
    github('a proxy that compresses behind the signature and takes Content-Encoding off', 'signature.body-coding', {
      signed: BODY,
      body: gzipSync(BODY),
    }),
    github('a middlebox that sorts the members of a large event', 'signature.body-sorted', {
      signed: SHUFFLED,
      body: JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(SHUFFLED)).sort())),
    }),
    written('SHA-1 by hand where SHA-256 belongs', 'signature.digest', () => ({
      'x-hub-signature-256': `sha256=${hmac('sha1', ENV.GITHUB, BODY)}`,
    })),
    written('SHA-512 where SHA-256 belongs', 'signature.digest', () => ({
      'x-hub-signature-256': `sha256=${hmac('sha512', ENV.GITHUB, BODY)}`,
    })),
    written('the old SHA-1 header alone', 'signature.digest', () => ({
      'x-hub-signature': `sha1=${hmac('sha1', ENV.GITHUB, BODY)}`,
    })),
    written('base64 where hex belongs', 'signature.encoding', () => ({
      'x-hub-signature-256': `sha256=${hmac('sha256', ENV.GITHUB, BODY, 'base64')}`,
    })),
    written('the prefix sha256= missing', 'signature.prefix', () => ({
      'x-hub-signature-256': hmac('sha256', ENV.GITHUB, BODY),
    })),
    written('no signature at all', 'signature.not-signed', () => ({})),
    written("GitHub's webhook without a secret", 'signature.no-secret-at-sender', () => ({
      'user-agent': 'GitHub-Hookshot/044aadd',
      'x-github-event': 'push',
    })),
    written('sent by hand with curl', 'signature.sent-by-hand', () => ({ 'user-agent': 'curl/8.5.0' })),
    written('a proxy that renames header fields', 'signature.renamed-header', () => ({
      hub_signature_256: `sha256=${hmac('sha256', 'x', BODY)}`,
    })),
    written('a sender whose variable for the signature is empty', 'signature.empty-header', () => ({
      'x-hub-signature-256': '',
    })),
    written('the signature cut by a column of 40 characters', 'signature.truncated', () => ({
      'x-hub-signature-256': `sha256=${hmac('sha256', ENV.GITHUB, BODY).slice(0, 40)}`,
    })),
    written('the right signature in a header of another name', 'signature.place', () => ({
      'x-crm-signature': `sha256=${hmac('sha256', ENV.GITHUB, BODY)}`,
    })),
    {
      what: "another route's event at this URL",
      cause: 'signature.other-route',
      says: /stripe/,
      send: () => ({
        path: '/github',
        headers: {
          ...JSON_TYPE,
          'stripe-signature': stripe.generateTestHeaderString({ payload: BODY, secret: ENV.STRIPE }),
        },
        body: BODY,
      }),
    },
    {
      what: 'a proxy that decompresses and leaves Content-Encoding',
      cause: 'content-encoding.not-compressed',
      send: async () => ({
        path: '/github',
        headers: {
          ...JSON_TYPE,
          'content-encoding': 'gzip',
          'x-hub-signature-256': await signForGitHub(ENV.GITHUB, BODY),
        },
        body: BODY,
      }),
    },
    striped("a sender's clock 10 minutes ahead", 'signature.clock-ahead', () => seconds() + 600),
    striped("a sender's clock 10 minutes behind", 'signature.clock-behind', () => seconds() - 600, {
      headers: () => ({ date: new Date(Date.now() - 600_000).toUTCString() }),
    }),
    striped('an event of three days ago, redelivered by hand', 'signature.redelivered', () => seconds() - 3 * 86_400),
    striped('a retry after 20 minutes with its old signature', 'signature.redelivered', () => seconds() - 1200, {
      headers: () => ({ 'x-retry-num': '2' }),
    }),
    striped('local time of Berlin in place of UTC', 'signature.time-zone', () => seconds() + 7200),
    striped('the timestamp in milliseconds', 'signature.timestamp-unit', () => Date.now(), {
      says: /let the sender sign and send whole seconds/,
    }),
    striped('whsec_ left out of the secret by the sender', 'signature.secret-prefix', seconds, {
      secret: ENV.STRIPE.slice(6),
    }),
    striped('the secret base64-decoded, as Svix does', 'signature.secret-decoded', seconds, {
      secret: Buffer.from(ENV.STRIPE.slice(6), 'base64') as unknown as string,
    }),
    striped("test mode's secret", 'signature.unknown-secret', seconds, { secret: whsec() }),
    striped('a secret with a carriage return', 'signature.secret-line-end', seconds, { secret: `${ENV.STRIPE}\r\n` }),
    shopify('hex where base64 belongs', 'signature.encoding', () => hmac('sha256', ENV.SHOPIFY, BODY)),
    shopify('base64url where base64 belongs', 'signature.encoding', () =>
      Buffer.from(hmac('sha256', ENV.SHOPIFY, BODY), 'hex').toString('base64url'),
    ),
    shopify(
      '"sha256=" before the signature',
      'signature.prefix',
      () => `sha256=${hmac('sha256', ENV.SHOPIFY, BODY, 'base64')}`,
    ),
    shopify("the other route's secret", 'signature.other-route-secret', () =>
      hmac('sha256', ENV.GITHUB, BODY, 'base64'),
    ),
    standard('the secret not decoded, as text', 'signature.secret-as-text', () => {
      const at = String(seconds())
      return {
        'webhook-id': 'msg_1',
        'webhook-timestamp': at,
        'webhook-signature': `v1,${hmac('sha256', ENV.STANDARD, `msg_1.${at}.${BODY}`, 'base64')}`,
      }
    }),
    standard('the text behind whsec_ not decoded', 'signature.secret-as-text', () => {
      const at = String(seconds())
      return {
        'webhook-id': 'msg_1',
        'webhook-timestamp': at,
        'webhook-signature': `v1,${hmac('sha256', ENV.STANDARD.slice(6), `msg_1.${at}.${BODY}`, 'base64')}`,
      }
    }),
    standard('the body signed alone, without id and timestamp', 'signature.payload-body-alone', () => {
      const at = String(seconds())
      const key = Buffer.from(ENV.STANDARD.slice(6), 'base64')
      return {
        'webhook-id': 'msg_1',
        'webhook-timestamp': at,
        'webhook-signature': `v1,${hmac('sha256', key, BODY, 'base64')}`,
      }
    }),
    standard("another endpoint's secret", 'signature.other-route-secret', () => standardFields(ENV.OTHER), {
      says: /standard-two/,
    }),
    standard('an id that a queue put in place of the signed one', 'signature.unknown-secret', () => ({
      ...standardFields(ENV.STANDARD),
      'webhook-id': 'job-4711',
    })),
    standard(
      'an integration platform that writes JSON anew',
      'signature.body-reserialised',
      () => standardFields(ENV.STANDARD),
      { body: pretty(BODY) },
    ),
    standard('a timestamp header that was lost', 'signature.header-stripped', () => {
      const { 'webhook-timestamp': _lost, ...rest } = standardFields(ENV.STANDARD)
      return rest
    }),
    standard('a sender that forgets "v1,"', 'signature.prefix', () => {
      const fields = standardFields(ENV.STANDARD)
      return { ...fields, 'webhook-signature': String(fields['webhook-signature']).slice(3) }
    }),
    standard('a clock that is an hour and 4 minutes behind', 'signature.clock-behind', () => ({
      ...standardFields(ENV.STANDARD, { at: Date.now() - 3_840_000 }),
      date: new Date(Date.now() - 3_840_000).toUTCString(),
    })),
    {
      what: 'Svix with the headers of its own name, on a standard-webhooks route',
      cause: 'signature.other-provider',
      says: /svix/i,
      send: () => {
        const at = new Date()
        return {
          path: '/standard',
          headers: {
            ...JSON_TYPE,
            'svix-id': 'msg_2',
            'svix-timestamp': String(Math.floor(at.getTime() / 1000)),
            'svix-signature': new SvixWebhook(ENV.STANDARD).sign('msg_2', at, BODY),
          },
          body: BODY,
        }
      },
    },
    slack('the version left out of the signed text', 'signature.payload', () => slackOf(at => `${at}:${BODY}`)),
    slack('the body signed alone', 'signature.payload-body-alone', () => slackOf(() => BODY)),
    slack('milliseconds signed, seconds sent', 'signature.timestamp-unit', () => {
      const at = Math.floor(Date.now() / 1000)
      return {
        'x-slack-request-timestamp': String(at),
        'x-slack-signature': `v0=${hmac('sha256', ENV.SLACK, `v0:${at}000:${BODY}`)}`,
      }
    }),
    slack('v0= left out', 'signature.prefix', () => {
      const fields = slackOf(at => `v0:${at}:${BODY}`)
      return { ...fields, 'x-slack-signature': String(fields['x-slack-signature']).slice(3) }
    }),
    twilio('Twilio was given http, and the public URL is https', 'signature.url', 'http://hooks.example.com/twilio', {
      says: /http/,
    }),
    twilio('Twilio was given a port', 'signature.url', 'https://hooks.example.com:8443/twilio', { says: /port|8443/ }),
    twilio(
      'Twilio was given a trailing slash, taken off by a proxy',
      'signature.url',
      'https://hooks.example.com/twilio/',
      { says: /slash.*enter the URL in the service as https:\/\/hooks\.example\.com\/twilio;/ },
    ),
    twilio('the prefix of the path is stripped by a proxy', 'signature.url', 'https://hooks.example.com/crm/twilio', {
      says: /path|prefix/,
    }),
    twilio('another name of the same host', 'signature.url', 'https://webhooks.example.com/twilio', {
      headers: { host: 'webhooks.example.com' },
    }),
    twilio('a query that a proxy adds', 'signature.url', 'https://hooks.example.com/twilio', {
      path: '/twilio?tenant=5',
    }),
    twilio('a prefix that only the proxy knows', 'signature.url', 'https://hooks.example.com/tenant-5/twilio', {
      headers: { 'x-forwarded-prefix': '/tenant-5' },
    }),
    twilio('http and a port, of a tunnel in development', 'signature.url', 'http://hooks.example.com:8080/twilio'),
    twilio('a host that only the proxy knows', 'signature.unknown-url', 'https://sms.example.net/twilio', {
      headers: { 'x-forwarded-for': '192.0.2.9' },
      says: /hooks\.example\.com\/twilio.*set public-url/,
    }),
    twilio('a query that a proxy drops', 'signature.unknown-url', 'https://hooks.example.com/twilio?tenant=5', {
      headers: { via: '1.1 edge' },
      says: /and no query/,
    }),
    twilio(
      'a parameter that a firewall takes out of the form',
      'signature.unknown-secret',
      'https://hooks.example.com/twilio',
      { form: { From: FORM.From, Body: FORM.Body, MessageSid: 'SM0' } },
    ),
    {
      what: 'a secret in base64 that the sender decodes',
      cause: 'signature.secret-decoded',
      says: /set key-form: base64/,
      send: () => ({
        path: '/plain',
        headers: { ...JSON_TYPE, 'x-signature': hmac('sha256', Buffer.from(ENV.PLAIN, 'base64'), BODY) },
        body: BODY,
      }),
    },
    {
      what: 'a secret of one letter, of another system',
      cause: 'signature.unknown-secret',
      send: () => ({ path: '/plain', headers: { ...JSON_TYPE, 'x-signature': hmac('sha256', 'x', BODY) }, body: BODY }),
    },
    {
      what: 'an empty secret at the sender',
      cause: 'signature.secret-empty',
      send: () => ({ path: '/plain', headers: { ...JSON_TYPE, 'x-signature': hmac('sha256', '', BODY) }, body: BODY }),
    },
  ],
})
