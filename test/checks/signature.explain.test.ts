import { createHash, createHmac, generateKeyPairSync, sign } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { sign as signForGitHub } from '@octokit/webhooks-methods'
import Stripe from 'stripe'
import { Webhook } from 'svix'
import twilio from 'twilio/lib/webhooks/webhooks.js'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import type { Finding } from '../../src/core/finding.ts'
import { MOST_BYTES, MOST_TRIED } from '../../src/signing/near-miss/budget.ts'
import { explained, type Neighbour } from './explained.ts'
import { fakeRequest, fakeResources, NOW, type RequestDescription } from './fakes.ts'

const SECRET = 'It-is-a-Secret-9f2c'
const BODY = '{"id":5,"name":"Grüße","url":"https://a.example/b","price":1.50,"list":[1,2]}'
const SECONDS = String(NOW / 1000)

const hmac = (hash: string, key: string | Buffer, data: string | Buffer, encoding: 'hex' | 'base64' = 'hex'): string =>
  createHmac(hash, key).update(data).digest(encoding)

interface Sent extends RequestDescription {
  readonly secret?: string
  readonly config?: object
  readonly elsewhere?: readonly Neighbour[]
  readonly url?: string
  readonly cut?: boolean
  readonly secrets?: Readonly<Record<string, string>>
}

/** What the check says first, and all of what it says. */
async function why(provider: string, sent: Sent): Promise<{ first: Finding | undefined; all: readonly Finding[] }> {
  const { secret = SECRET, config, elsewhere = [], url, cut = false, secrets } = sent
  const request = fakeRequest({ body: BODY, ...sent })
  const { findings } = await explained(signature, {
    config: config ?? { provider, secrets: [{ env: 'S' }] },
    request: url === undefined ? request : { ...request, publicUrl: url },
    resources: fakeResources({ secrets: { S: secret, ...secrets } }),
    elsewhere,
    cut,
  })
  for (const { because, mend, evidence } of findings) {
    const text = JSON.stringify([because, mend, evidence])
    expect(text).not.toContain(secret)
    expect(text).not.toMatch(/[0-9a-f]{32}/)
  }
  return { first: findings[0], all: findings }
}

const github = (value: string, more: Sent = {}): Promise<{ first: Finding | undefined; all: readonly Finding[] }> =>
  why('github', { ...more, headers: { 'X-Hub-Signature-256': value, ...more.headers } })

const JSON_TYPE = { 'Content-Type': 'application/json' }

describe('a signature that nearly holds', () => {
  const sha256 = (key: string | Buffer, body: string | Buffer = BODY): string => `sha256=${hmac('sha256', key, body)}`

  it.each<[cause: string, value: string, more?: Sent]>([
    ['secret-line-end', sha256(`${SECRET}\n`)],
    ['secret-line-end', sha256(`${SECRET}\r\n`)],
    ['secret-line-end', sha256(SECRET), { secret: `${SECRET}\n` }],
    ['secret-blank', sha256(`${SECRET} `)],
    ['secret-quotes', sha256(SECRET), { secret: `"${SECRET}"` }],
    ['secret-quotes', sha256(`"${SECRET}"`)],
    ['secret-assignment', sha256(SECRET), { secret: `GITHUB_SECRET=${SECRET}` }],
    ['secret-list', sha256(SECRET), { secret: `another-secret,${SECRET}` }],
    ['secret-prefix', sha256(`whsec_${SECRET}`)],
    ['secret-prefix', sha256(SECRET), { secret: `whsec_${SECRET}` }],
    ['secret-decoded', sha256(Buffer.from('c2VjcmV0LXNlY3JldA==', 'base64')), { secret: 'c2VjcmV0LXNlY3JldA==' }],
    ['secret-decoded', sha256(Buffer.from('ab'.repeat(32), 'hex')), { secret: 'ab'.repeat(32) }],
    ['secret-escaped', sha256('a&b+c'), { secret: 'a%26b%2Bc' }],
    ['secret-escaped', sha256('a&b'), { secret: 'a&amp;b' }],
    ['secret-escaped', sha256('a$b'), { secret: 'a$$b' }],
    ['secret-escaped', sha256('a$b'), { secret: 'a\\$b' }],
    ['secret-case', sha256(SECRET.toLowerCase())],
    ['secret-byte-order-mark', sha256(`\ufeff${SECRET}`)],
    ['secret-encoded', sha256(Buffer.from(SECRET).toString('base64'))],
    ['secret-empty', sha256('')],
    ['digest', `sha256=${hmac('sha1', SECRET, BODY)}`],
    ['digest', `sha256=${hmac('sha512', SECRET, BODY)}`],
    ['digest', `sha256=${hmac('md5', SECRET, BODY)}`],
    [
      'no-hmac',
      `sha256=${createHash('sha256')
        .update(SECRET + BODY)
        .digest('hex')}`,
    ],
    ['no-hmac', `sha256=${createHash('sha256').update(BODY).digest('hex')}`],
    ['encoding', `sha256=${hmac('sha256', SECRET, BODY, 'base64')}`],
    ['encoding', `sha256=${hmac('sha256', SECRET, BODY).toUpperCase()}`],
    ['encoding', `sha256=${Buffer.from(hmac('sha256', SECRET, BODY)).toString('base64')}`],
    ['prefix', hmac('sha256', SECRET, BODY)],
    ['prefix', `v1=${hmac('sha256', SECRET, BODY)}`],
    ['quotes', `"sha256=${hmac('sha256', SECRET, BODY)}"`],
    ['truncated', `sha256=${hmac('sha256', SECRET, BODY).slice(0, 60)}`],
    ['payload', `sha256=${hmac('sha256', SECRET, `${SECONDS}.${BODY}`)}`, { headers: { 'X-Timestamp': SECONDS } }],
    ['body-line-end', sha256(SECRET, `${BODY}\n`)],
    ['body-line-end', sha256(SECRET), { body: `${BODY}\n` }],
    ['body-line-ends', sha256(SECRET, '{\n"a":1}'), { body: '{\r\n"a":1}' }],
    ['body-byte-order-mark', sha256(SECRET), { body: `\ufeff${BODY}` }],
    ['body-charset', sha256(SECRET, Buffer.from(BODY, 'latin1'))],
    ['body-empty', sha256(SECRET, '')],
    ['body-encoded-twice', sha256(SECRET), { body: JSON.stringify(BODY) }],
    ['body-coding', sha256(SECRET), { body: gzipSync(BODY), headers: { 'Content-Encoding': 'gzip' } }],
    ['body-form-escapes', sha256(SECRET, 'a=x%20y&b=1'), { body: 'a=x+y&b=1' }],
    ['body-form-field', sha256(SECRET), { body: new URLSearchParams({ payload: BODY }).toString() }],
  ])('%s', async (cause, value, more = {}) => {
    const { first } = await github(value, more)
    expect(first).toMatchObject({ cause: `signature.${cause}`, certainty: 'proven' })
  })

  it.each<[by: string, text: string, received?: string]>([
    ['JSON.stringify', JSON.stringify(JSON.parse(BODY))],
    ['a pretty printer', JSON.stringify(JSON.parse(BODY), null, 2), JSON.stringify(JSON.parse(BODY))],
    ['Python', '{"id": 5, "name": "Gr\\u00fc\\u00dfe", "url": "https://a.example/b", "price": 1.50, "list": [1, 2]}'],
    ['PHP', '{"id":5,"name":"Gr\\u00fc\\u00dfe","url":"https:\\/\\/a.example\\/b","price":1.50,"list":[1,2]}'],
    ['a program that sorts', '{"id":5,"list":[1,2],"name":"Grüße","price":1.50,"url":"https://a.example/b"}'],
    ['Go', '{"a":"\\u003cb\\u003e\\u0026"}', '{"a":"<b>&"}'],
    ['.NET', '{"a":"\\u003Cb\\u003E \\u00FC"}', '{"a":"<b> ü"}'],
  ])('over the JSON as %s writes it', async (_by, text, received = BODY) => {
    const { first } = await github(sha256(SECRET, text), { body: received, headers: JSON_TYPE })
    expect(first).toMatchObject({ cause: 'signature.body-reserialised', certainty: 'proven' })
    const at = first?.evidence?.['first-difference']
    expect(Buffer.from(text).subarray(0, Number(at))).toEqual(Buffer.from(received).subarray(0, Number(at)))
    expect(Buffer.from(text)[Number(at)]).not.toBe(Buffer.from(received)[Number(at)])
  })

  it('says two differences in one sentence', async () => {
    const { first } = await github(`sha256=${hmac('sha1', `${SECRET}\n`, BODY)}`)
    expect(first?.because).toMatch(/line feed behind the secret.*, and with SHA-1 instead of SHA-256/)
    expect(first?.evidence?.also).toEqual(['digest'])
  })

  it('finds a secret that has ended, and the secret of a neighbour', async () => {
    const config = { provider: 'github', secrets: [{ env: 'S' }, { name: 'old', env: 'OLD', expires: '2026-11-01' }] }
    const secrets = { OLD: 'the-old-secret' }
    const ended = await github(sha256('the-old-secret'), { config, secrets })
    expect(ended.first).toMatchObject({ cause: 'signature.secret-expired', evidence: { secret: 'old' } })
    const neighbour = {
      route: 'kb-sync',
      config: { provider: 'github', secrets: [{ env: 'KB' }] },
      resources: fakeResources({ secrets: { KB: 'theirs' } }),
    }
    const { first } = await github(sha256('theirs'), { elsewhere: [neighbour] })
    expect(first).toMatchObject({ cause: 'signature.other-route-secret', evidence: { route: 'kb-sync' } })
  })

  it('names the routes that share the secret that is to be mended', async () => {
    const config = { provider: 'github', secrets: [{ env: 'S' }] }
    const neighbour = { route: 'kb-sync', config, resources: fakeResources({ secrets: { S: `"${SECRET}"` } }) }
    const { first } = await github(sha256(SECRET), { secret: `"${SECRET}"`, elsewhere: [neighbour] })
    expect(first?.mend).toMatch(/kb-sync uses the same one$/)
  })

  it("knows GitHub's SHA-1 header, as its own library signs the other", async () => {
    const { first } = await why('github', { headers: { 'X-Hub-Signature': `sha1=${hmac('sha1', SECRET, BODY)}` } })
    expect(first).toMatchObject({ cause: 'signature.digest', certainty: 'proven' })
    const value = await signForGitHub(SECRET, BODY)
    const moved = await why('github', { headers: { 'X-Signature': value } })
    expect(moved.first).toMatchObject({ cause: 'signature.place', evidence: { found: 'x-signature' } })
  })

  it('takes every header of a service that sends one for each key as the place of a signature', async () => {
    const headers = {
      'X-DocuSign-Signature-1': hmac('sha256', 'the key of somebody else', BODY, 'base64'),
      'X-DocuSign-Signature-2': hmac('sha256', SECRET, BODY, 'base64'),
    }
    const { first } = await why('docusign', { headers, body: `${BODY}\n` })
    expect(first).toMatchObject({ cause: 'signature.body-line-end', certainty: 'proven' })
    expect(`${first?.because} ${first?.mend}`).not.toContain('Signature-1')
  })

  it('tells JSON that Twilio never binds from a body that was changed on the way', async () => {
    const url = 'https://gate.example/hooks/x'
    const headers = { ...JSON_TYPE, 'X-Twilio-Signature': hmac('sha1', SECRET, url, 'base64') }
    const { first } = await why('twilio', { headers, url })
    expect(first).toMatchObject({ cause: 'signature.body-unsigned', certainty: 'proven' })
    expect(first?.because).toContain('the URL has no bodySHA256 that binds it')
    expect(first?.mend).toBe('let the sender bind its body as Twilio does: "sallyport providers twilio" tells how')
  })

  it('speaks of the body where the signature belongs into it', async () => {
    const { all } = await why('adyen', {
      secret: 'ab'.repeat(32),
      body: '{"notificationItems":[{"NotificationRequestItem":{"pspReference":"A","additionalData":{}}}]}',
    })
    expect(all.map(({ cause }) => cause)).toContain('signature.field-stripped')
    expect(JSON.stringify(all)).not.toMatch(/header|nginx/)
  })

  it('tells a header that is looked at only where another is not sent', async () => {
    const old = `sha256=${hmac('sha256', SECRET, BODY, 'base64')}`
    const headers = {
      'X-Twitter-Webhooks-Signature': old,
      'X-Twitter-Webhooks-Signature-OAuth2': `sha256=${hmac('sha256', 'the client secret', BODY, 'base64')}`,
    }
    const { first } = await why('x-twitter', { headers })
    expect(first).toMatchObject({ cause: 'signature.other-family', certainty: 'proven' })
    expect(first?.mend).toBe(
      'the service makes X-Twitter-Webhooks-Signature-OAuth2 with another secret than X-Twitter-Webhooks-Signature: give that one under secrets as well',
    )
    const both = { provider: 'x-twitter', secrets: [{ env: 'S' }, { name: 'client', env: 'T' }] }
    const mended = why('x-twitter', { headers, config: both, secrets: { T: 'the client secret' } })
    await expect(mended).rejects.toThrow('did not refuse')
  })

  it("tells another provider's request, signed by that provider's library", async () => {
    const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`
    const headers = {
      'svix-id': 'msg_1',
      'svix-timestamp': SECONDS,
      'svix-signature': new Webhook(secret).sign('msg_1', new Date(NOW), BODY),
    }
    const same = await why('github', { headers, secret })
    expect(same.first).toMatchObject({
      cause: 'signature.other-provider',
      certainty: 'proven',
      evidence: { provider: 'svix' },
    })
    const unknown = await why('github', { headers })
    expect(unknown.first).toMatchObject({ cause: 'signature.other-provider', certainty: 'likely' })
  })

  it('tells a request that another route wants', async () => {
    const neighbour = {
      route: 'slack-events',
      config: { provider: 'slack', secrets: [{ env: 'SLACK' }] },
      resources: fakeResources({ secrets: { SLACK: 'slack-secret-0123456789abcdef0123' } }),
    }
    const mac = hmac('sha256', 'slack-secret-0123456789abcdef0123', `v0:${SECONDS}:${BODY}`)
    const headers = { 'X-Slack-Signature': `v0=${mac}`, 'X-Slack-Request-Timestamp': SECONDS }
    const { first } = await why('github', { headers, elsewhere: [neighbour] })
    expect(first).toMatchObject({
      cause: 'signature.other-route',
      certainty: 'proven',
      evidence: { route: 'slack-events' },
    })
  })

  it('reads a header that a proxy added to', async () => {
    const value = await signForGitHub(SECRET, BODY)
    const { first } = await why('github', { headers: { 'X-Hub-Signature-256': [value, value] } })
    expect(first).toMatchObject({ cause: 'signature.header-twice', certainty: 'proven' })
  })

  it('says what remains where nothing was found, and invents nothing', async () => {
    const { all } = await github(sha256('a quite different secret'))
    expect(all.map(({ certainty }) => certainty)).toEqual(['possible', 'possible'])
    expect(all.map(({ cause }) => cause)).toEqual(['signature.unknown-secret', 'signature.body-changed'])
    const { all: cut } = await github(sha256('a quite different secret'), { cut: true })
    expect(cut).toMatchObject([{ cause: 'signature.body-cut', certainty: 'possible' }])
  })
})

describe('time', () => {
  const stripe = (at: number, unit = 1): Sent => {
    const timestamp = Math.floor(at / 1000) * unit
    const value = new Stripe('sk_test_x').webhooks.generateTestHeaderString({
      payload: BODY,
      secret: SECRET,
      timestamp,
    })
    return { headers: { 'Stripe-Signature': value } }
  }

  it.each<[cause: string, at: number, headers?: Record<string, string>]>([
    ['clock-ahead', NOW + 412_000],
    ['time-zone', NOW + 7_200_000],
    ['clock-behind', NOW - 412_000],
    ['redelivered', NOW - 3 * 86_400_000],
    ['redelivered', NOW - 412_000, { Date: new Date(NOW).toUTCString() }],
    ['clock-behind', NOW - 4000_000, { Date: new Date(NOW - 4000_000).toUTCString() }],
    ['redelivered', NOW - 412_000, { 'X-Retry-Num': '2' }],
  ])('%s', async (cause, at, headers = {}) => {
    const sent = stripe(at)
    const { first } = await why('stripe', { headers: { ...sent.headers, ...headers } })
    expect(first).toMatchObject({ cause: `signature.${cause}`, certainty: 'likely' })
    expect(first?.because).toMatch(/^the signature holds/)
  })

  it('says by how much', async () => {
    const { first } = await why('stripe', stripe(NOW + 412_000))
    expect(first?.because).toContain("412 s ahead of the gate's")
  })

  it('tells milliseconds from seconds', async () => {
    const { first } = await why('stripe', stripe(NOW, 1000))
    expect(first).toMatchObject({ cause: 'signature.timestamp-unit', certainty: 'proven' })
  })

  it('finds the moment that was signed in another unit than it was sent', async () => {
    const mac = hmac('sha256', SECRET, `v0:${NOW}:${BODY}`)
    const { first } = await why('slack', {
      headers: { 'X-Slack-Signature': `v0=${mac}`, 'X-Slack-Request-Timestamp': SECONDS },
    })
    expect(first).toMatchObject({ cause: 'signature.timestamp-unit', certainty: 'proven' })
  })

  it('finds a signature over the body without the timestamp', async () => {
    const mac = hmac('sha256', SECRET, BODY)
    const { first } = await why('slack', {
      headers: { 'X-Slack-Signature': `v0=${mac}`, 'X-Slack-Request-Timestamp': SECONDS },
    })
    expect(first).toMatchObject({ cause: 'signature.payload-body-alone', certainty: 'proven' })
  })

  it('does not speak of clocks where the signature does not hold', async () => {
    const { all } = await why('stripe', { ...stripe(NOW + 412_000), secret: 'another-secret-altogether' })
    expect(all.every(({ certainty }) => certainty === 'possible')).toBe(true)
  })
})

describe('the public URL', () => {
  const FORM = 'From=%2B491701234567&Body=Hi'
  const signed = (url: string): Sent => ({
    body: FORM,
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      'X-Twilio-Signature': twilio.getExpectedTwilioSignature(SECRET, url, { From: '+491701234567', Body: 'Hi' }),
    },
  })
  const given = 'https://gate.example/hooks/sms?a=1'

  it.each([
    ['http://gate.example/hooks/sms?a=1', 'http'],
    ['https://gate.example/hooks/sms/?a=1', 'slash'],
    ['https://gate.example/hooks/sms', 'query'],
    ['https://www.gate.example/hooks/sms?a=1', 'www.gate.example'],
    ['https://hooks.example.com/hooks/sms?a=1', 'hooks.example.com'],
    ['https://gate.example:8443/hooks/sms?a=1', 'port 8443'],
    ['http://hooks.example.com/hooks/sms/?a=1', 'http'],
    ['https://gate.example/api/hooks/sms?a=1', 'X-Forwarded-Prefix'],
  ])('%s', async (url, word) => {
    const sent = signed(url)
    const headers = { ...sent.headers, 'X-Forwarded-Host': 'hooks.example.com', 'X-Forwarded-Prefix': '/api' }
    const { first } = await why('twilio', {
      ...sent,
      headers,
      host: 'gate.example:8443',
      target: '/hooks/sms?a=1',
      url: given,
    })
    expect(first).toMatchObject({ cause: 'signature.url', certainty: 'proven' })
    expect(first?.because).toContain(word)
  })

  it('is varied as HubSpot writes it, with some escapes decoded', async () => {
    const text = `POSThttp://gate.example/hooks/x?to=a/b%20c${BODY}${NOW}`
    const headers = {
      ...JSON_TYPE,
      'X-HubSpot-Request-Timestamp': String(NOW),
      'X-HubSpot-Signature-v3': hmac('sha256', SECRET, text, 'base64'),
    }
    const { first } = await why('hubspot-v3', { headers, url: 'https://gate.example/hooks/x?to=a%2Fb%20c' })
    expect(first).toMatchObject({ cause: 'signature.url', certainty: 'proven' })
    expect(first?.because).toContain('with http as the scheme')
  })

  it('varies the secret of a scheme that is code', async () => {
    const { first } = await why('twilio', {
      ...signed(given),
      target: '/hooks/sms?a=1',
      url: given,
      secret: `"${SECRET}"`,
    })
    expect(first).toMatchObject({ cause: 'signature.secret-quotes', certainty: 'proven' })
  })
})

describe('a signature that is not there', () => {
  it.each<[cause: string, headers: Record<string, string>, certainty: string]>([
    ['no-secret-at-sender', { 'User-Agent': 'GitHub-Hookshot/abc' }, 'likely'],
    ['empty-header', { 'X-Hub-Signature-256': '' }, 'likely'],
    ['renamed-header', { Hub_Signature_256: 'sha256=00' }, 'likely'],
    ['sent-by-hand', { 'User-Agent': 'curl/8.5.0' }, 'likely'],
    ['not-signed', {}, 'possible'],
  ])('%s', async (cause, headers, certainty) => {
    const { first } = await why('github', { headers })
    expect(first).toMatchObject({ cause: `signature.${cause}`, certainty })
  })

  it('takes no header that several services have for the mark of one, and no agent for a service', async () => {
    const { all } = await why('github', {
      headers: { 'X-Hub-Signature': `sha1=${'0'.repeat(40)}`, 'User-Agent': 'axios/1.0' },
    })
    expect(all.some(({ cause }) => cause === 'signature.other-provider')).toBe(false)
    const twitter = await why('x-twitter', { headers: { 'User-Agent': 'axios/1.0' } })
    expect(twitter.first).toMatchObject({ cause: 'signature.not-signed', certainty: 'possible' })
  })

  it('names what was taken off', async () => {
    const { first } = await why('slack', { headers: { 'X-Slack-Request-Timestamp': SECONDS } })
    expect(first).toMatchObject({ cause: 'signature.header-stripped', certainty: 'likely' })
  })
})

describe('a signature by a private key', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = (key: typeof pair): string => key.publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const config = { scheme: 'ecdsa-p256', header: 'X-Sig', encoding: 'base64', keys: [{ env: 'S' }] }
  const ask = (text: string, data: string | Buffer, more: { key?: typeof pair; form?: 'der' | 'ieee-p1363' } = {}) => {
    const { key = pair, form = 'der' } = more
    const value = sign('sha256', Buffer.from(data), { key: key.privateKey, dsaEncoding: form }).toString('base64')
    return why('', {
      config,
      secret: pem(pair),
      headers: { 'X-Sig': value },
      body: text,
      elsewhere: [{ route: 'partner', config, resources: fakeResources({ secrets: { S: pem(other) } }) }],
    })
  }

  it.each<[cause: string, asked: () => ReturnType<typeof ask>]>([
    ['algorithm', () => ask(BODY, BODY, { form: 'ieee-p1363' })],
    ['other-route-key', () => ask(BODY, BODY, { key: other })],
    ['body-line-end', () => ask(BODY, `${BODY}\n`)],
    ['body-reserialised', () => ask(JSON.stringify(JSON.parse(BODY), null, 2), JSON.stringify(JSON.parse(BODY)))],
  ])('%s', async (cause, asked) => {
    expect((await asked()).first).toMatchObject({ cause: `signature.${cause}`, certainty: 'proven' })
  })

  it('says what remains under a strange key', async () => {
    const { all } = await ask(BODY, BODY, { key: generateKeyPairSync('ec', { namedCurve: 'P-256' }) })
    expect(all[0]).toMatchObject({ cause: 'signature.unknown-key', certainty: 'possible' })
  })
})

describe('the work', () => {
  it('stays within its bounds on a body of 1 MiB', async () => {
    const body = JSON.stringify({ list: Array.from({ length: 40_000 }, (_, at) => `entry ${at} of a list`) })
    const { first } = await github(`sha256=${hmac('sha256', 'no near miss', body)}`, { body, headers: JSON_TYPE })
    expect(body.length).toBeGreaterThan(900_000)
    expect(first?.evidence?.tried).toBeLessThanOrEqual(MOST_TRIED)
    // Bytes bound it long before the number does. Some of what is tried are short texts in place of the body.
    const CONSTANTS = 8
    expect((Number(first?.evidence?.tried) - CONSTANTS) * body.length).toBeLessThanOrEqual(
      MOST_BYTES + MOST_TRIED * 100,
    )
    const found = await github(`sha256=${hmac('sha256', `${SECRET}\n`, body)}`, { body, headers: JSON_TYPE })
    expect(found.first?.cause).toBe('signature.secret-line-end')
  })
})
