import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { getExpectedBodyHash, getExpectedTwilioSignature } from 'twilio/lib/webhooks/webhooks.js'
import { gateFamily, type Request, type Sent } from './gate-family.ts'

const discord = generateKeyPairSync('ed25519')
const other = generateKeyPairSync('ed25519')
const raw = (key: typeof discord): string =>
  key.publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex')
const ENV = {
  BOT_SEVEN: 'seven-4Hq0Zb1pX7',
  BOT_EIGHT: 'eight-9Kd2Lm5rW3',
  ZENDESK: 'dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==',
  ZENDESK_TWO: 'b3RoZXItc2VjcmV0LW9mLXplbmRlc2staGVyZS0xMg==',
  HUBSPOT: 'a-client-secret-of-hubspot',
  META: 'an-app-secret-of-meta',
  TWILIO: '12345678901234567890123456789012',
  DISCORD: raw(discord),
  DISCORD_TWO: raw(other),
  GITLAB: 'a-token-of-gitlab',
  PADDLE: 'pdl_ntfset_01hv8gptnczsm0000_secret',
}
const BODY = '{"update_id":812,"message":{"text":"Grüße","url":"https://a.example/b"}}'
const JSON_TYPE = { 'content-type': 'application/json' }
const hmac = (key: string, data: string, encoding: 'hex' | 'base64' = 'base64'): string =>
  createHmac('sha256', key).update(data).digest(encoding)
const now = (): number => Date.now()

const request = (
  what: string,
  cause: string,
  path: string,
  headers: () => Record<string, string>,
  more: Partial<Request> & { body?: string; query?: string } = {},
): Request => {
  const { body = BODY, query = '', ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: (): Sent => ({ path: path + query, headers: { ...JSON_TYPE, ...headers() }, body }),
  }
}
const telegram = (
  what: string,
  cause: string,
  headers: () => Record<string, string>,
  more: Partial<Request> = {},
): Request => request(what, cause, '/bot-7', headers, more)
const token = (value: string) => () => ({ 'x-telegram-bot-api-secret-token': value })
const zendesk = (
  secret: string,
  at = new Date().toISOString(),
  encoding: 'hex' | 'base64' = 'base64',
  over = `${at}${BODY}`,
) => ({
  'x-zendesk-webhook-signature': hmac(secret, over, encoding),
  'x-zendesk-webhook-signature-timestamp': at,
})
const hubspot = (url: string, at = now()) => ({
  'x-hubspot-request-timestamp': String(at),
  'x-hubspot-signature-v3': hmac(ENV.HUBSPOT, `POST${url}${BODY}${at}`),
})
const ed25519 = (key: typeof discord, over: (at: string) => string, at = String(Math.floor(now() / 1000))) => ({
  'x-signature-timestamp': at,
  'x-signature-ed25519': sign(null, Buffer.from(over(at)), key.privateKey).toString('hex'),
})
const route = (name: string, check: string): string =>
  `  - { name: ${name}, match: { path: /${name} }, checks: [${check}], forward: { to: UPSTREAM/in } }`
const secret = (provider: string, variable: string): string =>
  `{ signature: { provider: ${provider}, secrets: [{ env: ${variable} }] } }`

/** Services of other kinds: tokens given to the service, public keys, URLs inside what is signed. */
export const providers = gateFamily({
  name: 'providers',
  env: ENV,
  config: `
listeners: [{ name: public, bind: "127.0.0.1:0", public-url: "https://hooks.example.com" }]
routes:
${route('bot-7', secret('telegram', 'BOT_SEVEN'))}
${route('bot-8', secret('telegram', 'BOT_EIGHT'))}
${route('zendesk', secret('zendesk', 'ZENDESK'))}
${route('zendesk-two', secret('zendesk', 'ZENDESK_TWO'))}
${route('hubspot', secret('hubspot-v3', 'HUBSPOT'))}
${route('meta', secret('meta', 'META'))}
${route('twilio', secret('twilio', 'TWILIO'))}
${route('gitlab', secret('gitlab', 'GITLAB'))}
${route('paddle', secret('paddle', 'PADDLE'))}
${route('discord', '{ signature: { provider: discord, keys: [{ env: DISCORD }] } }')}
${route('discord-two', '{ signature: { provider: discord, keys: [{ env: DISCORD_TWO }] } }')}
`,
  requests: [
    telegram('setWebhook without secret_token', 'signature.not-signed', () => ({})),
    telegram("another bot's secret_token", 'signature.other-route-secret', token(ENV.BOT_EIGHT), { says: /bot-8/ }),
    telegram('a secret_token of before', 'signature.unknown-secret', token('old-000000')),
    telegram('the secret_token in upper case', 'signature.secret-case', token(ENV.BOT_SEVEN.toUpperCase())),
    telegram('the secret_token behind "Bearer"', 'signature.prefix', token(`Bearer ${ENV.BOT_SEVEN}`)),
    telegram('the secret_token in Authorization', 'signature.other-header', () => ({
      authorization: `Bearer ${ENV.BOT_SEVEN}`,
    })),
    telegram(
      'the secret_token as the bot token',
      'signature.unknown-secret',
      token('8108431234:AAHq0Zb1pX7Kd2Lm5rW3eight'),
    ),
    telegram('the secret_token cut at a hyphen', 'signature.cut', token(ENV.BOT_SEVEN.slice(6))),
    telegram('the secret_token with a letter wrong', 'signature.mistyped', token(ENV.BOT_SEVEN.replace('H', 'K'))),
    request('the secret_token in the query', 'signature.in-query', '/bot-7', () => ({}), {
      query: `?token=${ENV.BOT_SEVEN}`,
    }),
    request(
      "the other Zendesk webhook's secret",
      'signature.other-route-secret',
      '/zendesk',
      () => zendesk(ENV.ZENDESK_TWO),
      { says: /zendesk-two/ },
    ),
    request('Zendesk in hex', 'signature.encoding', '/zendesk', () => zendesk(ENV.ZENDESK, undefined, 'hex')),
    request('the secret of Zendesk decoded', 'signature.secret-decoded', '/zendesk', () => {
      const at = new Date().toISOString()
      return {
        ...zendesk(ENV.ZENDESK, at),
        'x-zendesk-webhook-signature': createHmac('sha256', Buffer.from(ENV.ZENDESK, 'base64'))
          .update(`${at}${BODY}`)
          .digest('base64'),
      }
    }),
    request('Zendesk over the body alone', 'signature.payload-body-alone', '/zendesk', () =>
      zendesk(ENV.ZENDESK, undefined, 'base64', BODY),
    ),
    request('Zendesk with a dot behind the timestamp', 'signature.payload', '/zendesk', () => {
      const at = new Date().toISOString()
      return zendesk(ENV.ZENDESK, at, 'base64', `${at}.${BODY}`)
    }),
    request(
      'HubSpot with the URL of the gate inside',
      'signature.url',
      '/hubspot',
      () => hubspot('http://hooks.example.com/hubspot'),
      { says: /http/ },
    ),
    request(
      'HubSpot with the slash of its settings',
      'signature.url',
      '/hubspot',
      () => hubspot('https://hooks.example.com/hubspot/'),
      { says: /slash/ },
    ),
    request('HubSpot in seconds', 'signature.timestamp-unit', '/hubspot', () =>
      hubspot('https://hooks.example.com/hubspot', Math.floor(now() / 1000)),
    ),
    request('HubSpot nine minutes late', 'signature.clock-behind', '/hubspot', () =>
      hubspot('https://hooks.example.com/hubspot', now() - 540_000),
    ),
    request('Meta over \\u escapes, the body decoded on the way', 'signature.body-reserialised', '/meta', () => ({
      'x-hub-signature-256': `sha256=${hmac(ENV.META, BODY.replace('ü', '\\u00fc').replace('ß', '\\u00df').replaceAll('/', '\\/'), 'hex')}`,
    })),
    request('Meta with the verify token in place of the app secret', 'signature.unknown-secret', '/meta', () => ({
      'x-hub-signature-256': `sha256=${hmac('my-verify-token', BODY, 'hex')}`,
    })),
    request(
      'Twilio JSON that was changed on the way',
      'signature.body-changed',
      '/twilio',
      () => ({
        'x-twilio-signature': getExpectedTwilioSignature(
          ENV.TWILIO,
          `https://hooks.example.com/twilio?bodySHA256=${getExpectedBodyHash(JSON.stringify(JSON.parse(BODY), null, 1))}`,
          {},
        ),
      }),
      { query: `?bodySHA256=${getExpectedBodyHash(JSON.stringify(JSON.parse(BODY), null, 1))}`, says: /body/i },
    ),
    request(
      "Discord's application of the other route",
      'signature.other-route-key',
      '/discord',
      () => ed25519(other, at => `${at}${BODY}`),
      { says: /discord-two/ },
    ),
    request('Discord with a key of nobody', 'signature.unknown-key', '/discord', () =>
      ed25519(generateKeyPairSync('ed25519'), at => `${at}${BODY}`),
    ),
    request('Discord over the JSON as it was before', 'signature.body-reserialised', '/discord', () =>
      ed25519(discord, at => `${at}${JSON.stringify(JSON.parse(BODY), null, 2)}`),
    ),
    request('Discord over the body alone', 'signature.payload-body-alone', '/discord', () =>
      ed25519(discord, () => BODY),
    ),
    request('Discord without its timestamp', 'signature.header-stripped', '/discord', () => {
      const { 'x-signature-timestamp': _lost, ...rest } = ed25519(discord, at => `${at}${BODY}`)
      return rest
    }),
    request("GitLab's token in X-Hub-Signature-256 fashion", 'signature.not-signed', '/gitlab', () => ({
      'user-agent': 'x',
    })),
    request('Paddle with a clock 10 minutes ahead', 'signature.clock-ahead', '/paddle', () => {
      const at = Math.floor(now() / 1000) + 600
      return { 'paddle-signature': `ts=${at};h1=${hmac(ENV.PADDLE, `${at}:${BODY}`, 'hex')}` }
    }),
    request('Paddle with a dot in place of the colon', 'signature.payload', '/paddle', () => {
      const at = Math.floor(now() / 1000)
      return { 'paddle-signature': `ts=${at};h1=${hmac(ENV.PADDLE, `${at}.${BODY}`, 'hex')}` }
    }),
    request('a digest in place of an HMAC', 'signature.no-hmac', '/meta', () => ({
      'x-hub-signature-256': `sha256=${createHash('sha256')
        .update(ENV.META + BODY)
        .digest('hex')}`,
    })),
  ],
})
