import { createHmac } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { jwt } from '../../src/checks/jwt.ts'
import { schema } from '../../src/checks/schema.ts'
import { signature } from '../../src/checks/signature.ts'
import type { Finding } from '../../src/core/finding.ts'
import { explained } from './explained.ts'
import { fakeRequest, fakeResources, NOW, type RequestDescription } from './fakes.ts'

const BODY = '{"id":5}'
const SECONDS = String(NOW / 1000)
const BASE64 = 'MTIzNDU2Nzg5MGFiY2RlZjEyMzQ1Njc4OTBhYmNkZWY='
const HEX = 'ab'.repeat(32)
const OPEN = 'a-secret-that-is-text-1f9c'

const mac = (key: string | Buffer, data: string | Buffer, encoding: 'hex' | 'base64' | 'base64url' = 'hex'): string =>
  createHmac('sha256', key).update(data).digest(encoding)

interface Case {
  readonly config: Readonly<Record<string, unknown>>
  readonly secret: string
  readonly sent: RequestDescription
  readonly more?: Readonly<Record<string, string>>
}

async function told({ config, secret, sent, more = {} }: Case): Promise<readonly Finding[]> {
  const { findings } = await explained(signature, {
    config: { secrets: [{ env: 'S' }], ...config },
    request: fakeRequest({ body: BODY, ...sent }),
    resources: fakeResources({ secrets: { S: secret, ...more } }),
  })
  return findings
}

/** The check's answer after the mend. */
async function admitted({ config, secret, sent }: Case): Promise<unknown> {
  const given = signature.config.parse({ secrets: [{ env: 'S' }], ...config })
  const resources = fakeResources({ secrets: { S: secret } })
  return (await signature.create(given, resources).decide(fakeRequest({ body: BODY, ...sent }), {})).ok
}

const plain = { scheme: 'hmac', header: 'X-Sig' }
const signed = (key: string | Buffer, data: string | Buffer = BODY): RequestDescription => ({
  headers: { 'X-Sig': mac(key, data) },
})
const forGitHub = (key: string | Buffer, body: string | Buffer = BODY): RequestDescription => ({
  headers: { 'X-Hub-Signature-256': `sha256=${mac(key, body)}` },
})
const standard = (key: string | Buffer, at = SECONDS): RequestDescription => ({
  headers: {
    'webhook-id': 'msg_1',
    'webhook-timestamp': at,
    'webhook-signature': `v1,${mac(key, `msg_1.${at}.${BODY}`, 'base64')}`,
  },
})

describe('a secret that the sender reads otherwise', () => {
  it.each<[mend: string, config: object, secret: string, key: string | Buffer]>([
    ['base64', plain, BASE64, Buffer.from(BASE64, 'base64')],
    ['hex', plain, HEX, Buffer.from(HEX, 'hex')],
    ['whsec', plain, `whsec_${BASE64}`, Buffer.from(BASE64, 'base64')],
    ['text', { ...plain, 'key-form': 'base64' }, BASE64, BASE64],
    ['text', { ...plain, 'key-form': 'whsec' }, `whsec_${BASE64}`, `whsec_${BASE64}`],
    ['hex', { ...plain, 'key-form': 'base64' }, HEX, Buffer.from(HEX, 'hex')],
  ])('is mended by key-form: %s where the scheme is spelled out', async (value, config, secret, key) => {
    const asked = { config: { ...config }, secret, sent: signed(key) }
    const [first] = await told(asked)
    expect(first).toMatchObject({ certainty: 'proven' })
    expect(first?.mend).toMatch(new RegExp(`: set key-form: ${value}$`))
    expect(await admitted({ ...asked, config: { ...config, 'key-form': value } })).toBe(true)
  })

  it('is mended at the sender where no setting fits', async () => {
    const url = Buffer.from(BASE64, 'base64').fill(0xfb)
    const [first] = await told({ config: plain, secret: url.toString('base64url'), sent: signed(url) })
    expect(first).toMatchObject({ cause: 'signature.secret-decoded', certainty: 'proven' })
    expect(first?.mend).toMatch(/let it use the text of the secret as the key/)
  })

  it.each<[cause: string, provider: string, secret: string, sent: RequestDescription, mend: RegExp]>([
    ['secret-decoded', 'github', BASE64, forGitHub(Buffer.from(BASE64, 'base64')), /use the text of the secret/],
    ['secret-decoded', 'github', HEX, forGitHub(Buffer.from(HEX, 'hex')), /use the text of the secret/],
    ['secret-as-text', 'standard-webhooks', `whsec_${BASE64}`, standard(`whsec_${BASE64}`), /does not decode/],
    ['secret-as-text', 'standard-webhooks', `whsec_${BASE64}`, standard(BASE64), /does not decode/],
    ['secret-as-text', 'standard-webhooks', BASE64, standard(`whsec_${BASE64}`), /does not decode/],
    ['secret-as-text', 'svix', `whsec_${BASE64}`, standard(BASE64), /does not decode/],
  ])('%s of %s is mended at the sender', async (cause, provider, secret, sent, mend) => {
    const headers = Object.entries(sent.headers ?? {}).map(([name, value]) => [
      provider === 'svix' ? name.replace('webhook-', 'svix-') : name,
      value,
    ])
    const all = await told({ config: { provider }, secret, sent: { headers: Object.fromEntries(headers) } })
    expect(all[0]).toMatchObject({ cause: `signature.${cause}`, certainty: 'proven' })
    expect(all[0]?.mend).toMatch(mend)
    for (const each of all) expect(each.mend).not.toMatch(/key-form|without whsec_|timestamp\.unit/)
  })

  it('still tells a prefix that a scheme of texts has, and another text that is not decoded', async () => {
    const [prefix] = await told({ config: { provider: 'github' }, secret: 'whsec_a-text', sent: forGitHub('a-text') })
    expect(prefix).toMatchObject({ cause: 'signature.secret-prefix', mend: expect.stringContaining('without whsec_') })
    const [quoted] = await told({
      config: { provider: 'standard-webhooks' },
      secret: `whsec_${BASE64}`,
      sent: standard(`"whsec_${BASE64}"`),
    })
    expect(quoted).toMatchObject({ cause: 'signature.secret-quotes', evidence: { also: ['secret-as-text'] } })
  })

  it('is mended by the setting of jwt, which is called encoding', async () => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const ask = async (secret: string, key: Buffer) => {
      // Its issuer is wrong as well, so that no other encoding alone lets it in.
      const text = `${part({ alg: 'HS256' })}.${part({ sub: 'crm', iss: 'other', exp: NOW / 1000 + 60 })}`
      const { findings } = await explained(jwt, {
        config: { algorithms: ['HS256'], secrets: [{ env: 'S' }], issuer: 'https://id.example' },
        request: fakeRequest({ headers: { Authorization: `Bearer ${text}.${mac(key, text, 'base64url')}` } }),
        resources: fakeResources({ secrets: { S: secret } }),
      })
      return findings[0]
    }
    const found = await ask(BASE64, Buffer.from(BASE64, 'base64'))
    expect(found).toMatchObject({ cause: 'jwt.secret-decoded', certainty: 'proven' })
    expect(found?.mend).toMatch(/: set encoding: base64$/)
    // 24 bytes are too few for HS256: the setting would take the route offline.
    const short = Buffer.alloc(24, 0x41)
    const unfit = await ask(short.toString('base64'), short)
    expect(unfit).toMatchObject({ cause: 'jwt.secret-decoded' })
    expect(unfit?.mend).not.toMatch(/set /)
  })
})

describe('a key that no secret has a part in', () => {
  const secrets = [{ env: 'S' }, { name: 'old', env: 'OLD', expires: '2024-01-01' }]

  it.each([
    ['undefined', 'secret-placeholder'],
    ['CHANGE_ME', 'secret-placeholder'],
    ['$OLD', 'secret-placeholder'],
    ['$GITHUB_SECRET', 'secret-placeholder'],
    ['', 'secret-empty'],
  ])('%j is one finding, and says nothing of a secret that ended', async (key, cause) => {
    const more = { OLD: 'the-old-secret' }
    const all = await told({ config: { provider: 'github', secrets }, secret: OPEN, sent: forGitHub(key), more })
    expect(all.map(each => each.cause)).toEqual([`signature.${cause}`])
    expect(JSON.stringify(all)).not.toMatch(/"old"|2024|current/)
  })
})

describe('a timestamp in another unit', () => {
  const stripe = (at: string): RequestDescription => ({
    headers: { 'Stripe-Signature': `t=${at},v1=${mac(OPEN, `${at}.${BODY}`)}` },
  })
  const timed = (at: string): RequestDescription => ({ headers: { 'X-Sig': mac(OPEN, `${at}.${BODY}`), 'X-Time': at } })
  const spelled = (unit?: string) => ({
    ...plain,
    payload: '{timestamp}.{body}',
    timestamp: { header: 'X-Time', ...(unit === undefined ? {} : { unit }) },
  })
  const ISO = new Date(NOW).toISOString()

  it.each([
    ['milliseconds', String(NOW)],
    ['RFC 3339', ISO],
    ['decimals', `${SECONDS}.25`],
  ])('%s: is mended at the sender of a preset', async (_what, at) => {
    const [first] = await told({ config: { provider: 'stripe' }, secret: OPEN, sent: stripe(at) })
    expect(first).toMatchObject({ cause: 'signature.timestamp-unit', certainty: 'proven' })
    expect(first?.mend).toBe('let the sender sign and send whole seconds since 1970, in digits alone, as Stripe does')
    const key = Buffer.from(BASE64, 'base64')
    const config = { provider: 'standard-webhooks' }
    const [other] = await told({ config, secret: `whsec_${BASE64}`, sent: standard(key, at) })
    expect(other).toMatchObject({ cause: 'signature.timestamp-unit', certainty: 'proven' })
    expect(other?.mend).not.toMatch(/timestamp\.unit/)
  })

  it.each([
    ['ms', String(NOW), undefined],
    ['iso', ISO, undefined],
    ['iso', ISO, 'ms'],
    ['s', SECONDS, 'ms'],
    ['s', SECONDS, 'iso'],
    ['ms', String(NOW), 'iso'],
  ])('is mended by timestamp.unit: %s where the scheme is spelled out', async (unit, at, read) => {
    const asked = { config: spelled(read), secret: OPEN, sent: timed(at) }
    const [first] = await told(asked)
    expect(first).toMatchObject({ cause: 'signature.timestamp-unit', certainty: 'proven' })
    expect(first?.mend).toMatch(new RegExp(`^set timestamp\\.unit to ${unit}, or let the sender`))
    expect(await admitted({ ...asked, config: spelled(unit) })).toBe(true)
  })

  it.each([`${SECONDS}.25`, new Date(NOW).toUTCString(), `${NOW}000`])('names no unit for %s', async at => {
    const [first] = await told({ config: spelled(), secret: OPEN, sent: timed(at) })
    expect(first).toMatchObject({ cause: 'signature.timestamp-unit', certainty: 'proven' })
    expect(first?.mend).toMatch(/^let the sender sign and send whole seconds/)
    expect(first?.mend).not.toMatch(/timestamp\.unit/)
  })

  it('has the sender send what it signs only where the scheme reads that', async () => {
    const ms = { 'X-Sig': mac(OPEN, `${NOW}.${BODY}`), 'X-Time': SECONDS }
    const [signs] = await told({ config: spelled(), secret: OPEN, sent: { headers: ms } })
    expect(signs?.mend).toMatch(/let it sign and send seconds$/)
    const iso = { 'X-Sig': mac(OPEN, `${SECONDS}.${BODY}`), 'X-Time': ISO }
    const [sends] = await told({ config: spelled(), secret: OPEN, sent: { headers: iso } })
    expect(sends?.mend).toMatch(/let it send what it signs$/)
  })
})

describe('a value of another type', () => {
  const config = {
    inline: {
      type: 'object',
      properties: {
        id: { type: 'string' },
        count: { type: 'integer' },
        ref: { type: ['string', 'null'] },
        customer: { type: 'object' },
      },
    },
  }

  it.each<[json: unknown, because: RegExp, mend: RegExp]>([
    [[{ id: 'a' }], /\$ is an array, and must be object/, /type: array/],
    [{ id: null }, /id is null/, /take null: type: \[string, "null"\]$/],
    [{ id: 5 }, /id is a number/, /type: \[string, number\]$/],
    [{ id: true }, /id is a boolean/, /type: \[string, boolean\]$/],
    [{ count: 1.5 }, /count is a number with decimals/, /type: number$/],
    [{ count: '5' }, /count is a string that holds a number/, /type: \[integer, string\]$/],
    [{ ref: 5 }, /ref is a number, and must be string or null/, /type: \[string, "null", number\]$/],
    [{ customer: 'cus_1' }, /customer is a string, and must be object/, /type: \[object, string\]$/],
    [{ id: { raw: 'a' } }, /id is an object/, /type: object$/],
  ])('%j', async (json, because, mend) => {
    const { findings } = await explained(schema, { config, request: fakeRequest({ json }) })
    expect(findings[0]).toMatchObject({ cause: 'schema.type', certainty: 'proven' })
    expect(findings[0]?.because).toMatch(because)
    expect(findings[0]?.mend).toMatch(mend)
  })

  it('names types that admit the value', async () => {
    const request = fakeRequest({ json: { id: null } })
    const mended = schema.config.parse({ inline: { type: 'object', properties: { id: { type: ['string', 'null'] } } } })
    expect((await schema.create(mended, fakeResources()).decide(request, {})).ok).toBe(true)
  })
})

describe('a compressed body', () => {
  it.each<[headers: Record<string, string>]>([[{}], [{ 'Content-Encoding': 'identity' }]])(
    'is known by its first bytes beside %j',
    async headers => {
      const { headers: value } = forGitHub(OPEN)
      const sent = { body: gzipSync(BODY), headers: { ...value, ...headers } }
      const [first] = await told({ config: { provider: 'github' }, secret: OPEN, sent })
      expect(first).toMatchObject({ cause: 'signature.body-coding', certainty: 'proven' })
    },
  )

  it('is not decompressed beyond 8 MiB', async () => {
    const large = Buffer.alloc(9 * 1024 * 1024, 0x20)
    const sent = { ...forGitHub(OPEN, large), body: gzipSync(large) }
    const all = await told({ config: { provider: 'github' }, secret: OPEN, sent })
    expect(all.map(({ cause }) => cause)).not.toContain('signature.body-coding')
  })
})
