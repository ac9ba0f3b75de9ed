import { generateKeyPairSync } from 'node:crypto'
import { exportJWK, type JWTHeaderParameters, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { apiKey } from '../../src/checks/api-key.ts'
import { basic } from '../../src/checks/basic.ts'
import { bearer } from '../../src/checks/bearer.ts'
import { jwt } from '../../src/checks/jwt.ts'
import { explained, type Question } from './explained.ts'
import { fakeRequest, fakeResources, NOW, type RequestDescription } from './fakes.ts'

const TOKEN = 'kb-9f2cA71e-Token_0123456789'
const THEIRS = 'another-routes-token-55aa'
const OLD = 'the-old-token-that-ended'

const world = fakeResources({ secrets: { T: TOKEN, OLD, THEIRS } })
const neighbour = { route: 'kb-sync', config: { tokens: [{ name: 'kb', env: 'THEIRS' }] }, resources: world }

const ask = async (kind: Parameters<typeof explained>[0], question: Question) => {
  const { findings, refusal } = await explained(kind, question)
  for (const { because, mend } of findings)
    for (const secret of [TOKEN, THEIRS, OLD]) expect(`${because} ${mend}`).not.toContain(secret)
  return { first: findings[0], all: findings, refusal }
}

describe('bearer', () => {
  const config = {
    tokens: [
      { name: 'crm', env: 'T', scopes: ['read'] },
      { name: 'old', env: 'OLD', expires: '2026-11-20' },
    ],
  }
  const bearing = (headers: RequestDescription['headers'], target = '/x', given: object = config) =>
    ask(bearer, {
      config: given,
      request: fakeRequest({ headers: headers ?? {}, target }),
      resources: world,
      elsewhere: [neighbour],
    })

  it.each<[cause: string, headers: Record<string, string | string[]>, target?: string]>([
    ['twice', { Authorization: `Bearer Bearer ${TOKEN}` }],
    ['blank', { Authorization: `Bearer  ${TOKEN} ` }],
    ['blank', { Authorization: `Bearer ${TOKEN.slice(0, 9)} ${TOKEN.slice(9)}` }],
    ['quotes', { Authorization: `Bearer "${TOKEN}"` }],
    ['quotes', { Authorization: `Bearer <${TOKEN}>` }],
    ['line-end', { Authorization: `Bearer ${TOKEN}\\n` }],
    ['assignment', { Authorization: `Bearer token=${TOKEN}` }],
    ['escaped', { Authorization: `Bearer ${TOKEN.replaceAll('-', '%2D')}` }],
    ['encoded', { Authorization: `Bearer ${Buffer.from(TOKEN).toString('base64')}` }],
    ['invisible', { Authorization: `Bearer ${TOKEN}\u200b` }],
    ['no-scheme', { Authorization: TOKEN }],
    ['other-blank', { Authorization: `Bearer\u00c2\u00a0${TOKEN}` }],
    ['other-blank', { Authorization: `bearer\u00a0 ${TOKEN}` }],
    ['empty', { Authorization: 'Bearer' }],
    ['empty', { Authorization: '' }],
    ['other-scheme', { Authorization: `Token ${TOKEN}` }],
    ['password', { Authorization: `Basic ${Buffer.from(`user:${TOKEN}`).toString('base64')}` }],
    ['other-header', { 'X-API-Key': TOKEN }],
    ['in-query', {}, `/x?access_token=${TOKEN}`],
    ['header-twice', { Authorization: [`Bearer ${TOKEN}`, `Bearer ${TOKEN}`] }],
    ['other-route', { Authorization: `Bearer ${THEIRS}` }],
    ['cut', { Authorization: `Bearer ${TOKEN.slice(0, 20)}` }],
    ['continued', { Authorization: `Bearer ${TOKEN}xyz` }],
    ['mistyped', { Authorization: `Bearer ${TOKEN.replace('A71', 'A77')}` }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what a sender sends that fills no variables in
    ['placeholder', { Authorization: 'Bearer ${KB_TOKEN}' }],
    ['placeholder', { Authorization: 'Bearer your-webhook-secret' }],
    ['placeholder', { Authorization: 'Bearer token' }],
    ['expired', { Authorization: `Bearer ${OLD}` }],
  ])('%s', async (cause, headers, target) => {
    const { first } = await bearing(headers, target)
    expect(first).toMatchObject({ cause: `bearer.${cause}`, certainty: 'proven' })
  })

  it('takes no token with a "$" for a variable', async () => {
    const { all } = await bearing({ Authorization: 'Bearer $tr0ngP4ss' })
    expect(all.map(({ cause }) => cause)).not.toContain('bearer.placeholder')
  })

  it('says since when, and which scope', async () => {
    const ended = await bearing({ Authorization: `Bearer ${OLD}` })
    expect(ended.first?.because).toMatch(/^the token "old" expired 3 days ago$/)
    const scoped = { ...config, scopes: ['write'] }
    const lacking = await bearing({ Authorization: `Bearer ${TOKEN}` }, '/x', scoped)
    expect(lacking.first).toMatchObject({ cause: 'bearer.scope', because: 'the token "crm" lacks the scope write' })
  })

  it('says what stands in the header that it finds no token in', async () => {
    const because = async (value: string) => (await bearing({ Authorization: value })).first?.because
    expect(await because('Bearer')).toBe(
      'the token is empty: nothing stands behind "Bearer" in Authorization, as where a variable in the sender is not set',
    )
    expect(await because(`Bearer\u00c2\u00a0${TOKEN}`)).toBe(
      'U+00A0 stands behind "Bearer" in Authorization, which only looks like a blank',
    )
    for (const value of ['Bearer\u00a0strange', 'strange', 'Token strange'])
      expect(await bearing({ Authorization: value })).toMatchObject({
        all: [{ certainty: 'likely', because: expect.stringMatching(/; it is none of the known either$/) }],
      })
  })

  it('invents nothing', async () => {
    const strange = await bearing({ Authorization: 'Bearer 0d9f8a7b6c5d4e3f' })
    expect(strange.all).toMatchObject([{ cause: 'bearer.other-token', certainty: 'possible' }])
    const none = await bearing({})
    expect(none.all.every(({ certainty }) => certainty === 'possible')).toBe(true)
    const token = `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`
    expect((await bearing({ Authorization: token })).first).toMatchObject({
      cause: 'bearer.is-jwt',
      certainty: 'likely',
    })
  })
})

describe('api-key', () => {
  const config = { header: 'X-Gitlab-Token', keys: [{ name: 'gitlab', env: 'T' }] }
  it.each<[cause: string, headers: Record<string, string>, target?: string]>([
    ['other-header', { Authorization: `Bearer ${TOKEN}` }],
    ['other-header', { 'X-API-Key': TOKEN }],
    ['quotes', { 'X-Gitlab-Token': `'${TOKEN}'` }],
    ['in-query', {}, `/x?token=${TOKEN}`],
    ['empty', { 'X-Gitlab-Token': '' }],
    ['case', { 'X-Gitlab-Token': 'UPPER' }],
  ])('%s', async (cause, headers, target = '/x') => {
    const resources = cause === 'case' ? fakeResources({ secrets: { T: 'upper' } }) : world
    const { first } = await ask(apiKey, { config, request: fakeRequest({ headers, target }), resources })
    expect(first).toMatchObject({ cause: `api-key.${cause}`, certainty: 'proven' })
  })
})

describe('basic', () => {
  const config = {
    users: [
      { name: 'kb', password: { env: 'P' } },
      { name: 'crm', password: { env: 'Q' } },
    ],
  }
  const resources = fakeResources({ secrets: { P: 'pässwort:1+2', Q: 'other-pass' } })
  const encoded = (text: string | Buffer): string => Buffer.from(text).toString('base64')
  it.each<[cause: string, value: string, certainty?: string]>([
    ['twice', `Basic Basic ${encoded('kb:pässwort:1+2')}`],
    ['other-scheme', `Bearer ${encoded('kb:pässwort:1+2')}`],
    ['not-encoded', 'Basic crm:other-pass'],
    ['encoding', `Basic ${encoded('crm:other-pass').replace(/=+$/, '')}`],
    ['line-end', `Basic ${encoded('crm:other-pass\n')}`],
    ['quotes', `Basic ${encoded('crm:"other-pass"')}`],
    ['escaped', `Basic ${encoded('kb:p%C3%A4sswort%3A1%2B2')}`],
    ['charset', `Basic ${encoded(Buffer.from('kb:pässwort:1+2', 'latin1'))}`],
    ['swapped', `Basic ${encoded('other-pass:crm')}`],
    ['encoded-twice', `Basic ${encoded(encoded('crm:other-pass'))}`],
    ['case', `Basic ${encoded('CRM:other-pass')}`],
    ['other-user', `Basic ${encoded('kb:other-pass')}`],
    ['wrong-password', `Basic ${encoded('kb:strange')}`, 'likely'],
    ['unknown-user', `Basic ${encoded('nobody:strange')}`, 'likely'],
  ])('%s', async (cause, Authorization, certainty = 'proven') => {
    const { first } = await ask(basic, { config, request: fakeRequest({ headers: { Authorization } }), resources })
    expect(first).toMatchObject({ cause: `basic.${cause}`, certainty })
  })
})

describe('jwt', () => {
  const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const ISSUER = 'https://id.example'
  const keySet = async () => ({
    keys: [
      { ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' },
      { ...(await exportJWK(rsa.publicKey)), kid: 'two', alg: 'RS256' },
    ],
  })
  const config = {
    issuer: ISSUER,
    audience: 'crm',
    algorithms: ['ES256'],
    jwks: { file: 'set.json' },
    scopes: ['read'],
  }
  const make = (
    claims: Record<string, unknown> = {},
    header: Partial<JWTHeaderParameters> = {},
    key = pair.privateKey,
  ) =>
    new SignJWT({
      iss: ISSUER,
      aud: 'crm',
      sub: 'kb',
      scope: 'read',
      exp: NOW / 1000 + 600,
      iat: NOW / 1000 - 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
      .sign(key)
  const why = async (
    value: string,
    given: object = config,
    headers: Record<string, string> = {},
    elsewhere: Question['elsewhere'] = [],
  ) => {
    const resources = fakeResources({ files: { 'set.json': JSON.stringify(await keySet()) } })
    const request = fakeRequest({ headers: { Authorization: value, ...headers } })
    return ask(jwt, { config: given, request, resources, elsewhere: elsewhere.map(each => ({ ...each, resources })) })
  }

  it.each<[cause: string, certainty: string, value: () => Promise<string>]>([
    ['twice', 'proven', async () => `Bearer Bearer ${await make()}`],
    ['no-scheme', 'proven', () => make()],
    ['quotes', 'proven', async () => `Bearer "${await make()}"`],
    ['issuer-slash', 'proven', async () => `Bearer ${await make({ iss: `${ISSUER}/` })}`],
    ['issuer', 'proven', async () => `Bearer ${await make({ iss: 'https://other.example' })}`],
    ['audience', 'proven', async () => `Bearer ${await make({ aud: 'shop' })}`],
    ['audience-slash', 'proven', async () => `Bearer ${await make({ aud: 'CRM/' })}`],
    ['algorithm', 'proven', async () => `Bearer ${await make({}, { alg: 'RS256', kid: 'two' }, rsa.privateKey)}`],
    ['type', 'proven', async () => `Bearer ${await make({}, { typ: 'id+jwt' })}`],
    ['principal', 'proven', async () => `Bearer ${await make({ sub: undefined, client_id: 'kb' })}`],
    ['scope', 'proven', async () => `Bearer ${await make({ scope: 'write' })}`],
    ['expired', 'proven', async () => `Bearer ${await make({ exp: NOW / 1000 - 3 * 86_400 })}`],
    ['clock', 'likely', async () => `Bearer ${await make({ nbf: NOW / 1000 + 300 })}`],
    ['key-unknown', 'likely', async () => `Bearer ${await make({}, { kid: 'three' })}`],
    ['other-issuer', 'likely', async () => `Bearer ${await make({ iss: 'https://test.example' }, { kid: 'three' })}`],
    ['opaque', 'likely', async () => 'Bearer 9f8a7b6c5d4e3f2a1b0c'],
    ['other-blank', 'proven', async () => `Bearer\u00c2\u00a0${await make()}`],
    ['empty', 'proven', async () => 'Bearer'],
    ['other-scheme', 'likely', async () => 'Token abc'],
    ['no-scheme', 'likely', async () => 'abc'],
    ['encrypted', 'likely', async () => 'Bearer eyJhbGciOiJkaXIifQ..aaaa.bbbb.cccc'],
    ['cut', 'likely', async () => `Bearer ${(await make()).split('.').slice(0, 2).join('.')}`],
  ])('%s', async (cause, certainty, value) => {
    const { first } = await why(await value())
    expect(first).toMatchObject({ cause: `jwt.${cause}`, certainty })
  })

  it('says for how long it was good, and where it is admitted', async () => {
    const { first } = await why(
      `Bearer ${await make({ exp: NOW / 1000 - 3 * 86_400, iat: NOW / 1000 - 3 * 86_400 - 3600 })}`,
    )
    expect(first?.because).toBe('it expired 3 days ago (it was good for 3600 s)')
    const shop = { route: 'shop', config: { ...config, audience: 'shop' }, resources: world }
    const { all } = await why(
      `Bearer ${await make({ aud: 'shop', scope: 'read' })}`,
      { ...config, audience: 'crm', scopes: ['admin'] },
      {},
      [shop],
    )
    expect(all[0]).toMatchObject({ cause: 'jwt.other-route', evidence: { route: 'shop' } })
  })

  it('reads a secret in another encoding', async () => {
    const secret = Buffer.from('0123456789abcdef0123456789abcdef')
    const token = await new SignJWT({ sub: 'kb', exp: NOW / 1000 + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(secret)
    const { first } = await ask(jwt, {
      config: { algorithms: ['HS256'], secrets: [{ env: 'S' }] },
      request: fakeRequest({ headers: { Authorization: `Bearer ${token}` } }),
      resources: fakeResources({ secrets: { S: secret.toString('base64') } }),
    })
    expect(first).toMatchObject({ cause: 'jwt.secret-encoding', certainty: 'proven', mend: 'set encoding: base64' })
  })
})
