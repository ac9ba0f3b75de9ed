import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { sign as signForGitHub } from '@octokit/webhooks-methods'
import Stripe from 'stripe'
import { gateFamily, type Request, type Sent } from './gate-family.ts'

const sendgrid = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ENV = {
  GITHUB: 'gh-Xk3+9f/Q2w==#live',
  PAIR: 'first-9d1f0a7c3b,second-4e8b2d6f1a',
  ASSIGNED: 'WEBHOOK_SECRET=wh-5b0c9e7d1f2a',
  HEX: '9f86d081884c7d659a2feaa0c55ad015',
  MARKUP: 'r&d<crm>-secret-77',
  SHOPIFY: 'shp-a0c4e8d2f6b19357',
  SLACK: '8f742231b10e8888abcd99yyyzzz85a5',
  STRIPE: 'whsec_5WbX5kEWLlfzsGNjH64I8lOOqUB6e8FH',
  STRIPE_KEY: 'sk_live_51Hh0000000000000000000000',
  GITLAB: 'glt/9+kq=3',
  HUBSPOT: 'a-client-secret-of-hubspot',
  TYPEFORM: 'tf-0a1b2c3d4e5f',
  INTERCOM: 'ic-77aa88bb99cc',
  SENDGRID: sendgrid.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  SQUARE: 'sq-key-1f2e3d4c',
}
const BODY = '{"id":5,"name":"Grüße","ok":true}'
type Encoding = 'hex' | 'base64'
const hmac = (key: string | Buffer, data: string | Buffer, encoding: Encoding = 'hex', hash = 'sha256'): string =>
  createHmac(hash, key).update(data).digest(encoding)
const seconds = (): number => Math.floor(Date.now() / 1000)
const stripe = new Stripe('sk_test_unused').webhooks

const request = (
  what: string,
  cause: string,
  path: string,
  headers: () => Record<string, string> | Promise<Record<string, string>>,
  more: Partial<Request> & { body?: string | Buffer; type?: string } = {},
): Request => {
  const { body = BODY, type = 'application/json', ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: async (): Promise<Sent> => ({ path, headers: { 'content-type': type, ...(await headers()) }, body }),
  }
}
/** Signed over the body by GitHub's own library with this secret. */
const keyed = (what: string, cause: string, secret: string, more: Partial<Request> & { path?: string } = {}): Request =>
  request(
    what,
    cause,
    more.path ?? '/github',
    async () => ({ 'x-hub-signature-256': await signForGitHub(secret, BODY) }),
    more,
  )
/** Signed over something else than what arrives. */
const over = (what: string, cause: string, signed: string | Buffer, more: Partial<Request> = {}): Request =>
  request(what, cause, '/github', () => ({ 'x-hub-signature-256': `sha256=${hmac(ENV.GITHUB, signed)}` }), more)
const headed = (what: string, cause: string, value: () => string, more: Partial<Request> = {}): Request =>
  request(what, cause, '/github', () => ({ 'x-hub-signature-256': value() }), more)
const right = (): string => `sha256=${hmac(ENV.GITHUB, BODY)}`
const slack = (at: string, base = `v0:${at}:${BODY}`) => ({
  'x-slack-request-timestamp': at,
  'x-slack-signature': `v0=${hmac(ENV.SLACK, base)}`,
})
const route = (name: string, check: string, more = ''): string =>
  `  - { name: ${name}, match: { path: /${name} }, checks: [${more}${check}], forward: { to: UPSTREAM/in } }`
const secret = (provider: string, variable: string): string =>
  `{ signature: { provider: ${provider}, secrets: [{ env: ${variable} }] } }`

/** What the programs that send webhooks do wrong, as their operators tell it. */
export const senders = gateFamily({
  name: 'senders',
  env: ENV,
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0", public-url: "https://hooks.example.com" }]
routes:
${route('github', secret('github', 'GITHUB'))}
${route('pair', secret('github', 'PAIR'))}
${route('assigned', secret('github', 'ASSIGNED'))}
${route('hex', secret('github', 'HEX'))}
${route('markup', secret('github', 'MARKUP'))}
${route('shopify', secret('shopify', 'SHOPIFY'))}
${route('slack', secret('slack', 'SLACK'), '{ content-type: { accept: [json, form] } }, ')}
${route('stripe', secret('stripe', 'STRIPE'))}
${route('stripe-key', secret('stripe', 'STRIPE_KEY'))}
${route('gitlab', secret('gitlab', 'GITLAB'))}
${route('hubspot', secret('hubspot-v3', 'HUBSPOT'))}
${route('typeform', secret('typeform', 'TYPEFORM'))}
${route('intercom', secret('intercom', 'INTERCOM'))}
${route('square', secret('square', 'SQUARE'))}
${route('sendgrid', '{ signature: { provider: sendgrid, keys: [{ env: SENDGRID }] } }')}
`,
  requests: [
    keyed('a byte order mark before the secret', 'signature.secret-byte-order-mark', `\ufeff${ENV.GITHUB}`),
    keyed('a no-break space behind the secret, copied from a page', 'signature.secret-blank', `${ENV.GITHUB}\u00a0`),
    keyed('a zero width space in front of the secret', 'signature.secret-invisible', `\u200b${ENV.GITHUB}`),
    keyed('"\\n" of two characters behind the secret', 'signature.secret-line-end', `${ENV.GITHUB}\\n`),
    keyed('the secret percent-encoded by a form', 'signature.secret-escaped', encodeURIComponent(ENV.GITHUB)),
    keyed('a "+" in the secret that a form made a blank', 'signature.secret-escaped', ENV.GITHUB.replace('+', ' ')),
    keyed(
      'the secret cut at "#", a comment in its .env file',
      'signature.secret-cut',
      ENV.GITHUB.slice(0, ENV.GITHUB.indexOf('#')),
    ),
    keyed('the secret in angle brackets, as in the manual', 'signature.secret-quotes', `<${ENV.GITHUB}>`),
    keyed('NAME=VALUE pasted as the secret at the sender', 'signature.secret-assignment', `SECRET=${ENV.GITHUB}`),
    keyed('NAME=VALUE in the variable of the gate', 'signature.secret-assignment', 'wh-5b0c9e7d1f2a', {
      path: '/assigned',
    }),
    keyed('two secrets in one variable of the gate', 'signature.secret-list', 'second-4e8b2d6f1a', { path: '/pair' }),
    keyed('the secret in upper case', 'signature.secret-case', ENV.HEX.toUpperCase(), { path: '/hex' }),
    request('a sender that decodes the secret from hex', 'signature.secret-decoded', '/hex', () => ({
      'x-hub-signature-256': `sha256=${hmac(Buffer.from(ENV.HEX, 'hex'), BODY)}`,
    })),
    keyed('a secret that a page escaped as HTML', 'signature.secret-escaped', 'r&amp;d&lt;crm&gt;-secret-77', {
      path: '/markup',
    }),
    keyed(
      'a secret that the sender hashes first',
      'signature.secret-hashed',
      createHash('sha256').update(ENV.GITHUB).digest('hex'),
    ),
    keyed('the name of the variable in place of its value', 'signature.secret-placeholder', 'GITHUB_SECRET'),
    headed(
      'key and message swapped in the call of hmac()',
      'signature.swapped',
      () => `sha256=${hmac(BODY, ENV.GITHUB)}`,
    ),
    over('a framework that has read the body already: nothing was signed', 'signature.body-empty', ''),
    over('a program that signs the text [object Object]', 'signature.body-object', '[object Object]'),
    over('a program that signs the parsed body as {}', 'signature.body-empty', '{}'),
    over('JSON stringified twice before signing', 'signature.body-encoded-twice', JSON.stringify(BODY)),
    over('a .NET program that signs UTF-16', 'signature.body-charset', Buffer.from(BODY, 'utf16le')),
    over(
      'Python that signs json.dumps() and sends requests(json=)',
      'signature.body-reserialised',
      '{"id": 5, "name": "Gr\\u00fc\\u00dfe", "ok": true}',
    ),
    over('Go, which escapes < > &', 'signature.body-reserialised', '{"html":"\\u003cb\\u003e\\u0026"}', {
      ...({ body: '{"html":"<b>&"}' } as object),
    }),
    over('Gson, which escapes = and apostrophes', 'signature.body-reserialised', '{"q":"a\\u003d\\u0027b\\u0027"}', {
      ...({ body: `{"q":"a='b'"}` } as object),
    }),
    over(
      '.NET, which escapes + and letters in upper case',
      'signature.body-reserialised',
      '{"t":"\\u002B49 \\u00DC"}',
      {
        ...({ body: '{"t":"+49 Ü"}' } as object),
      },
    ),
    over('macOS, which decomposes umlauts in names', 'signature.body-unicode-form', BODY.normalize('NFD')),
    headed('a signature in quotation marks', 'signature.quotes', () => `"${right()}"`),
    headed(
      'base64 of the hex digits',
      'signature.encoding',
      () => `sha256=${Buffer.from(hmac(ENV.GITHUB, BODY)).toString('base64')}`,
    ),
    headed(
      'the signature twice in one field, joined by a proxy',
      'signature.header-twice',
      () => `${right()}, ${right()}`,
    ),
    headed('"sha256:" in place of "sha256="', 'signature.prefix', () => right().replace('=', ':')),
    headed(
      'the digest of the body alone, without a key',
      'signature.no-hmac',
      () => `sha256=${createHash('sha256').update(BODY).digest('hex')}`,
    ),
    headed('the secret itself in place of a signature', 'signature.secret-sent', () => ENV.GITHUB),
    headed(
      'HMAC-MD5 of an old integration',
      'signature.digest',
      () => `sha256=${hmac(ENV.GITHUB, BODY, 'hex', 'md5')}`,
    ),
    request('base64 percent-encoded', 'signature.encoding', '/shopify', () => ({
      'x-shopify-hmac-sha256': encodeURIComponent(hmac(ENV.SHOPIFY, BODY, 'base64')),
    })),
    request('base64 without its padding', 'signature.encoding', '/shopify', () => ({
      'x-shopify-hmac-sha256': hmac(ENV.SHOPIFY, BODY, 'base64').replace(/=+$/, ''),
    })),
    request('the timestamp as ISO 8601 where seconds belong', 'signature.timestamp-unit', '/slack', () =>
      slack(new Date().toISOString()),
    ),
    request('the timestamp with decimals, by time.time()', 'signature.timestamp-unit', '/slack', () =>
      slack(`${seconds()}.5172`),
    ),
    request(
      'a form whose blanks a proxy writes anew as %20',
      'signature.body-form-escapes',
      '/slack',
      () => {
        const at = String(seconds())
        return slack(at, `v0:${at}:command=%2Fcrm&text=hello+big+world`)
      },
      { type: 'application/x-www-form-urlencoded', body: 'command=%2Fcrm&text=hello%20big%20world' },
    ),
    request(
      'a form whose fields a framework sorted',
      'signature.body-form-order',
      '/slack',
      () => {
        const at = String(seconds())
        return slack(at, `v0:${at}:token=x&command=%2Fcrm&text=hi`)
      },
      { type: 'application/x-www-form-urlencoded', body: 'command=%2Fcrm&text=hi&token=x' },
    ),
    request(
      "an API key of Stripe as the gate's signing secret",
      'route.missing-resource',
      '/stripe-key',
      () => ({
        'stripe-signature': stripe.generateTestHeaderString({ payload: BODY, secret: ENV.STRIPE }),
      }),
      { says: /API key/ },
    ),
    request("Stripe's v1 computed in base64", 'signature.encoding', '/stripe', () => {
      const at = seconds()
      return { 'stripe-signature': `t=${at},v1=${hmac(ENV.STRIPE, `${at}.${BODY}`, 'base64')}` }
    }),
    request(
      'Stripe fields divided by a semicolon',
      'signature.list-form',
      '/stripe',
      () => {
        const at = seconds()
        return { 'stripe-signature': `t=${at};v1=${hmac(ENV.STRIPE, `${at}.${BODY}`)}` }
      },
      { says: /divided by/ },
    ),
    request("GitLab's token percent-encoded", 'signature.escaped', '/gitlab', () => ({
      'x-gitlab-token': encodeURIComponent(ENV.GITLAB),
    })),
    request(
      'HubSpot that still signs as v2',
      'signature.other-provider',
      '/hubspot',
      () => ({
        'x-hubspot-signature': createHash('sha256')
          .update(`${ENV.HUBSPOT}POSThttps://hooks.example.com/hubspot${BODY}`)
          .digest('hex'),
        'x-hubspot-signature-version': 'v2',
      }),
      { says: /v2/i },
    ),
    request('Typeform in hex', 'signature.encoding', '/typeform', () => ({
      'typeform-signature': `sha256=${hmac(ENV.TYPEFORM, BODY)}`,
    })),
    request('Intercom by SHA-256', 'signature.digest', '/intercom', () => ({
      'x-hub-signature': `sha1=${hmac(ENV.INTERCOM, BODY)}`,
    })),
    request(
      'Square with the slash of its notification URL',
      'signature.url',
      '/square',
      () => ({
        'x-square-hmacsha256-signature': hmac(ENV.SQUARE, `https://hooks.example.com/square/${BODY}`, 'base64'),
      }),
      { says: /slash/ },
    ),
    request(
      'a middlebox that trims the CRLF which SendGrid ends its body with',
      'signature.body-line-end',
      '/sendgrid',
      () => {
        const at = String(seconds())
        return {
          'x-twilio-email-event-webhook-timestamp': at,
          'x-twilio-email-event-webhook-signature': sign(
            'sha256',
            Buffer.from(`${at}[${BODY}]\r\n`),
            sendgrid.privateKey,
          ).toString('base64'),
        }
      },
      { body: `[${BODY}]` },
    ),
    request(
      'WordPress, which adds backslashes to what it receives',
      'signature.body-slashes',
      '/github',
      () => ({
        'x-hub-signature-256': right(),
      }),
      { body: BODY.replace(/["'\\]/g, '\\$&') },
    ),
    request(
      'UTF-8 encoded once more on the way',
      'signature.body-charset',
      '/github',
      () => ({
        'x-hub-signature-256': right(),
      }),
      { body: Buffer.from(Buffer.from(BODY).toString('latin1'), 'utf8') },
    ),
    request(
      'a firewall that escapes HTML in bodies',
      'signature.body-escaped',
      '/github',
      () => ({
        'x-hub-signature-256': right(),
      }),
      { body: BODY.replaceAll('"', '&quot;') },
    ),
    request(
      'a queue that keeps bodies in base64',
      'signature.body-base64',
      '/github',
      () => ({
        'x-hub-signature-256': right(),
      }),
      { body: Buffer.from(BODY).toString('base64') },
    ),
    request(
      'a platform that wraps the event in {"body": ...}',
      'signature.body-wrapped',
      '/github',
      () => ({
        'x-hub-signature-256': right(),
      }),
      { body: JSON.stringify({ source: 'queue', body: BODY }) },
    ),
    request(
      'a body that lost its end',
      'signature.body-truncated',
      '/github',
      () => ({
        'x-hub-signature-256': right(),
      }),
      { body: BODY.slice(0, -9) },
    ),
  ],
})
