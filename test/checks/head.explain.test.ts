import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bodyLimit } from '../../src/checks/body-limit.ts'
import { clientCert } from '../../src/checks/client-cert.ts'
import { contentEncoding } from '../../src/checks/content-encoding.ts'
import { contentType } from '../../src/checks/content-type.ts'
import { largestStrings } from '../../src/checks/explain/largest-members.ts'
import { checkKinds } from '../../src/checks/index.ts'
import { rateLimit } from '../../src/checks/rate-limit.ts'
import { replay } from '../../src/checks/replay.ts'
import { schema } from '../../src/checks/schema.ts'
import { sourceIp } from '../../src/checks/source-ip.ts'
import type { ClientCertificate } from '../../src/core/client-certificate.ts'
import { explained } from './explained.ts'
import { fakeRequest, fakeResources, NOW, type RequestDescription } from './fakes.ts'

describe('source-ip', () => {
  const neighbour = { route: 'kb', config: { allow: ['198.51.100.0/24'] }, resources: fakeResources() }
  it.each<[cause: string, certainty: string, source: string, headers?: Record<string, string>, allow?: string[]]>([
    ['own-proxy', 'proven', '10.0.0.7', { 'X-Forwarded-For': '203.0.113.9' }],
    ['own-proxy', 'proven', '10.0.0.7', { 'X-Forwarded-For': '8.8.8.8, 203.0.113.9' }],
    ['own-proxy', 'proven', '172.17.0.1', { Forwarded: 'for=203.0.113.9;proto=https' }],
    ['own-proxy', 'proven', '104.16.0.1', { 'CF-Connecting-IP': '203.0.113.9' }],
    ['own-proxy', 'likely', '10.0.0.7', { 'X-Forwarded-For': '192.0.2.200' }],
    ['hidden-by-nat', 'likely', '172.17.0.1'],
    ['other-route', 'proven', '198.51.100.4'],
    ['other-provider', 'proven', '149.154.167.200'],
    ['other-family', 'likely', '2001:db8::9'],
    ['beside', 'likely', '203.0.113.200', {}, ['203.0.113.0/28']],
    ['unknown', 'possible', '192.0.2.77'],
  ])('%s', async (cause, certainty, source, headers = {}, allow = ['203.0.113.0/24']) => {
    const { findings } = await explained(sourceIp, {
      config: { allow },
      request: fakeRequest({ source, headers }),
      elsewhere: [neighbour],
    })
    expect(findings[0]).toMatchObject({ cause: `source-ip.${cause}`, certainty })
  })

  it('says that deny goes before allow', async () => {
    const config = { allow: ['192.0.2.0/24'], deny: ['192.0.2.1'] }
    const { findings } = await explained(sourceIp, { config, request: fakeRequest() })
    expect(findings[0]?.because).toBe('deny holds 192.0.2.1, by 192.0.2.1/32, and allow holds it too')
  })
})

describe('rate-limit', () => {
  const refused = async (config: object, description: RequestDescription) => {
    const resources = fakeResources()
    const parsed = rateLimit.config.parse(config)
    const check = rateLimit.create(parsed, resources)
    const request = fakeRequest(description)
    await check.decide(request, {})
    const { findings } = await explained(rateLimit, { config, request, resources })
    return findings
  }
  it.each<[cause: string, certainty: string, by: unknown, description: RequestDescription]>([
    ['shared-address', 'likely', 'source-ip', { source: '10.0.0.7' }],
    ['shared-address', 'likely', 'source-ip', { source: '192.0.2.1', headers: { 'X-Forwarded-For': '203.0.113.9' } }],
    ['header-missing', 'proven', { header: 'X-Tenant' }, {}],
    ['own-limit', 'possible', 'source-ip', { source: '192.0.2.1' }],
  ])('%s', async (cause, certainty, by, description) => {
    const [first] = await refused({ rate: '1/min', by }, description)
    expect(first).toMatchObject({ cause: `rate-limit.${cause}`, certainty })
  })
})

describe('body-limit', () => {
  it('names the member that is most of it', async () => {
    const json = { id: 1, attachments: [{ name: 'a.pdf', content: 'x'.repeat(3000) }] }
    const { findings } = await explained(bodyLimit, { config: { max: '2KiB' }, request: fakeRequest({ json }) })
    expect(findings[0]).toMatchObject({
      cause: 'body-limit.one-member',
      evidence: { member: 'attachments[0].content' },
    })
    expect(findings[0]?.because).toBe('the body has 3 KiB, and 2.9 KiB of it is attachments[0].content')
  })
  it('says how much too large it is', async () => {
    const request = fakeRequest({ headers: { 'Content-Length': '1300000' } })
    const { findings } = await explained(bodyLimit, {
      config: { max: '1MiB' },
      request: { ...request, contentLength: 1_300_000 },
    })
    expect(findings[0]).toMatchObject({ cause: 'body-limit.too-large', certainty: 'proven' })
  })
  it('measures JSON that breaks off anywhere, by the paths that a parser gives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat(), (value, cut) => {
        const text = Buffer.from(JSON.stringify(value))
        const strings: [string, number][] = []
        const walk = (at: unknown, path: string): void => {
          if (typeof at === 'string') strings.push([path, Buffer.byteLength(JSON.stringify(at))])
          else if (Array.isArray(at)) for (const [index, one] of at.entries()) walk(one, `${path}[${index}]`)
          else if (at !== null && typeof at === 'object')
            for (const [name, one] of Object.entries(at)) {
              const shown = JSON.stringify(name).slice(1, -1)
              walk(one, path === '' ? shown : `${path}.${shown}`)
            }
        }
        walk(value, '')
        const found = largestStrings(text, 1000)
        expect(found.map(({ path, bytes }) => `${path} ${bytes}`).sort()).toEqual(
          strings.map(([path, bytes]) => `${path.slice(0, 200)} ${bytes}`).sort(),
        )
        largestStrings(text.subarray(0, cut % (text.length + 1)), 3)
      }),
    )
  })
})

describe('content-type', () => {
  const JSON_BODY = '{"a":1}'
  it.each<[cause: string, headers: RequestDescription['headers'], body: string]>([
    ['missing', {}, JSON_BODY],
    ['form', { 'Content-Type': 'application/x-www-form-urlencoded' }, 'a=1&b=2'],
    ['json-as-other', { 'Content-Type': 'text/plain' }, JSON_BODY],
    ['json-as-other', { 'Content-Type': 'application/x-www-form-urlencoded' }, JSON_BODY],
    ['charset', { 'Content-Type': 'application/json; charset=iso-8859-1' }, JSON_BODY],
    ['twice', { 'Content-Type': ['application/json', 'text/plain'] }, JSON_BODY],
    ['malformed', { 'Content-Type': 'json' }, JSON_BODY],
    ['multipart', { 'Content-Type': 'multipart/form-data; boundary=x' }, '--x\r\n'],
    ['xml', { 'Content-Type': 'text/xml' }, '<a/>'],
    ['other', { 'Content-Type': 'application/octet-stream' }, 'abc'],
  ])('%s', async (cause, headers, body) => {
    const { findings } = await explained(contentType, {
      config: {},
      request: fakeRequest({ headers: headers ?? {}, body }),
    })
    expect(findings[0]).toMatchObject({ cause: `content-type.${cause}`, certainty: 'proven' })
  })
})

describe('content-encoding', () => {
  it.each<[cause: string, coding: string, body: string | Buffer]>([
    ['not-compressed', 'deflate', '{"a":1}'],
    ['several', 'gzip, gzip', gzipSync(gzipSync('{}'))],
    ['not-listed', 'gzip', gzipSync('{}')],
    ['unknown', 'deflate', Buffer.from([0x78, 0x9c])],
  ])('%s', async (cause, coding, body) => {
    const request = fakeRequest({ headers: { 'Content-Encoding': coding }, body })
    const { findings } = await explained(contentEncoding, { config: { accept: ['br'] }, request })
    expect(findings[0]).toMatchObject({ cause: `content-encoding.${cause}`, certainty: 'proven' })
  })
})

describe('schema', () => {
  const config = {
    inline: {
      type: 'object',
      required: ['data'],
      properties: {
        data: {
          type: 'object',
          required: ['id'],
          properties: { id: { type: 'integer' }, kind: { enum: ['a'] } },
          additionalProperties: false,
        },
      },
    },
  }
  const ticket = {
    route: 'tickets',
    config: { inline: { type: 'object', required: ['ticket'] } },
    resources: fakeResources(),
  }
  it.each<[cause: string, json: unknown, because: RegExp]>([
    ['other-name', { data: { ID: 5 } }, /^the field data.id is missing, and data.ID is there$/],
    ['wrapped', { event: { data: { id: 5 } } }, /event.data is there: the event stands inside event$/],
    ['elsewhere', { data: {}, more: { id: 5 } }, /more.id is there/],
    ['missing', { data: {} }, /^the field data.id is missing$/],
    ['type', { data: { id: '5' } }, /^data.id is a string that holds a number, and must be integer$/],
    ['unwanted', { data: { id: 5, extra: 1 } }, /data.extra/],
    ['other-value', { data: { id: 5, kind: 'b' } }, /data.kind/],
    ['other-route', { ticket: 5, data: 5, x: 1 }, /route tickets admits/],
  ])('%s', async (cause, json, because) => {
    const { findings } = await explained(schema, { config, request: fakeRequest({ json }), elsewhere: [ticket] })
    const found = findings.find(each => each.cause === `schema.${cause}`)
    expect(found?.because).toMatch(because)
    if (cause !== 'other-route') expect(findings[0]).toBe(found)
  })
})

describe('client-cert', () => {
  const neighbour = { route: 'bank', config: { allow: [{ dns: 'pay.bank.example' }] }, resources: fakeResources() }
  it.each<
    [
      cause: string,
      certainty: string,
      certificate: Partial<ClientCertificate> | undefined,
      headers?: Record<string, string>,
    ]
  >([
    ['expired', 'proven', { notAfter: NOW - 3 * 86_400_000 }],
    ['not-yet', 'proven', { notBefore: NOW + 3_600_000 }],
    ['server-certificate', 'proven', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }],
    ['revoked', 'proven', { verified: false, problem: 'certificate revoked' }],
    ['intermediate-missing', 'likely', { verified: false, problem: 'unable to get local issuer certificate' }],
    ['self-signed', 'likely', { verified: false, problem: 'self-signed certificate', issuer: 'CN=test' }],
    ['other-route', 'proven', { dns: ['pay.bank.example'] }],
    ['common-name', 'proven', { subject: 'CN=hooks.bank.example,O=Bank' }],
    ['name-near', 'likely', { dns: ['hook.bank.example'] }],
    ['not-listed', 'possible', { dns: ['quite.different.example'] }],
    ['not-set', 'possible', undefined],
    ['ended-at-proxy', 'likely', undefined, { 'X-Forwarded-Client-Cert': 'Hash=00' }],
  ])('%s', async (cause, certainty, certificate, headers = {}) => {
    const request = fakeRequest({ headers, ...(certificate ? { clientCertificate: certificate } : {}) })
    const config = { allow: [{ dns: 'hooks.bank.example' }] }
    const { findings } = await explained(clientCert, { config, request, elsewhere: [neighbour] })
    expect(findings[0]).toMatchObject({ cause: `client-cert.${cause}`, certainty })
  })
  it('says that plain HTTP has no certificates', async () => {
    const { findings } = await explained(clientCert, { config: {}, request: { ...fakeRequest(), encrypted: false } })
    expect(findings[0]).toMatchObject({ cause: 'client-cert.plain-http', certainty: 'proven' })
  })
})

describe('replay', () => {
  it('names the second try', async () => {
    const resources = fakeResources()
    const request = fakeRequest({ json: { id: 1 } })
    await replay.create(replay.config.parse({}), resources).decide(request, {})
    const { findings } = await explained(replay, { config: {}, request, resources })
    expect(findings[0]).toMatchObject({ cause: 'replay.second-try', certainty: 'likely' })
  })
})

describe('any-of', () => {
  it('lets each of its members explain its own refusal, the surest first', async () => {
    const anyOf = checkKinds.find(({ name }) => name === 'any-of')
    if (anyOf === undefined) throw new Error('no any-of')
    const config = [{ 'source-ip': { allow: ['203.0.113.0/24'] } }, { bearer: { tokens: [{ name: 'crm', env: 'T' }] } }]
    const resources = fakeResources({ secrets: { T: 'a-token-of-the-crm' } })
    const request = fakeRequest({ headers: { Authorization: 'Bearer Bearer a-token-of-the-crm' } })
    const { findings, refusal } = await explained(anyOf as never, { config, request, resources })
    expect(refusal.code).toBe('any-of.none')
    expect(findings.map(({ cause }) => cause)).toEqual(['bearer.twice', 'source-ip.unknown'])
  })
})

it('every check can explain its refusals', () => {
  expect(checkKinds.filter(({ explain }) => explain === undefined).map(({ name }) => name)).toEqual([])
})
