import { generateKeyPairSync } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '../../src/core/secret.ts'
import { parseComponent } from '../../src/signing/component.ts'
import { providerOf } from '../../src/signing/index.ts'
import { signRequest } from '../../src/signing/message-signer.ts'
import { signerKey } from '../../src/signing/provider.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { type Ask, ask, type Reply } from '../support/client.ts'
import { credentials } from '../support/signed.ts'
import { jwksOf, makeIssuer, tokenOf } from '../support/tokens.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'
import type { Standing, Variant } from './contract-configs.ts'

const PUBLIC = 'https://hooks.example.com'
const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

const found = (id: string) => {
  const provider = providerOf(id)
  if (provider === undefined) throw new Error(`no provider ${id}`)
  return provider
}
const pairs = Object.fromEntries(
  ['twilio', 'discord', 'sendgrid', 'mailgun', 'slack'].map(id => [id, credentials(found(id))]),
)
const partner = generateKeyPairSync('ed25519')
const issuer = makeIssuer('ES256', 'kb-1')

const ENV = {
  TWILIO_TOKEN: pairs.twilio?.given ?? '',
  DISCORD_PUBLIC_KEY: pairs.discord?.given ?? '',
  SENDGRID_PUBLIC_KEY: pairs.sendgrid?.given ?? '',
  MAILGUN_KEY: pairs.mailgun?.given ?? '',
  SLACK_SECRET: pairs.slack?.given ?? '',
  PARTNER_KEY: partner.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  KB_USER_PASSWORD: 'kb-password-of-the-test',
}

interface Event {
  readonly provider: string
  readonly path: string
  readonly body: string
  readonly contentType?: string
}

const EVENTS: readonly Event[] = [
  { provider: 'twilio', path: '/hooks/twilio', body: 'From=%2B49170&To=%2B49171&Body=hello', contentType: FORM },
  { provider: 'discord', path: '/hooks/discord', body: '{"type":2,"id":"1","token":"t"}' },
  { provider: 'sendgrid', path: '/hooks/sendgrid', body: '[{"email":"a@example.com","event":"delivered"}]' },
  { provider: 'mailgun', path: '/hooks/mailgun', body: '{"event-data":{"event":"opened","id":"e-1"}}' },
  { provider: 'slack', path: '/hooks/slack', body: '{"type":"event_callback","event_id":"Ev1"}' },
]

/** A request signed as its service signs, with the key that the service has. */
function sign({ provider, path, body, contentType = JSON_TYPE }: Event, held = pairs[provider]?.held ?? '') {
  const service = found(provider)
  const signed = signMessage(service.scheme, signerKey(service, new Secret(Buffer.from(held))), {
    method: 'POST',
    url: PUBLIC + path,
    body: Buffer.from(body),
    contentType,
    nowMs: Date.now(),
    id: 'event-1',
  })
  return { path, headers: { 'content-type': contentType, ...Object.fromEntries(signed.headers) }, body: signed.body }
}

function signedByPartner(body: string, key = partner.privateKey) {
  const components = ['@method', '@target-uri', 'content-digest', 'content-type'].map(text => {
    const parsed = parseComponent(text)
    if ('why' in parsed) throw new Error(parsed.why)
    return parsed
  })
  const headers = [['content-type', JSON_TYPE]] as const
  const url = `${PUBLIC}/hooks/partner`
  const made = signRequest(
    { algorithm: 'ed25519', key, keyid: 'partner-1', components },
    { method: 'POST', url, headers, body: Buffer.from(body), nowMs: Date.now(), nonce: '' },
  )
  if ('why' in made) throw new Error(made.why)
  return { path: '/hooks/partner', headers: Object.fromEntries<string>([...headers, ...made]), body }
}

/** The CRM of senders.yaml, which is also where the feed is; the issuer's key set lies beside the config. */
export async function startSendersUpstream(certificates: string, port: number): Promise<TestUpstream> {
  const keys = join(certificates, '../keys')
  mkdirSync(keys)
  writeFileSync(join(keys, 'jwks.json'), await jwksOf(issuer))
  return startUpstream(
    (req, res) =>
      res
        .setHeader('content-type', JSON_TYPE)
        .end(req.url === '/networks.json' ? '{"prefixes":[{"cidr":"198.51.100.0/24"}]}' : '{}'),
    port,
  )
}

export function senders(variant: Variant): void {
  describe.skipIf(variant.skip !== '')(`senders.yaml ${variant.name} ${variant.skip}`.trim(), () => {
    let standing: Standing
    let ca = ''
    const send = (what: Ask): Promise<Reply> =>
      ask({ port: standing.gate.port('public'), tls: { ca }, ...what, headers: { host: 'localhost', ...what.headers } })
    const forwarded = () => standing.upstream.received.filter(({ method }) => method === 'POST')
    const refused = async (what: Ask, status: number, code: string): Promise<void> => {
      const before = forwarded().length
      const reply = await send(what)
      expect([reply.status, reply.code]).toEqual([status, code])
      expect(forwarded().length).toBe(before)
    }

    beforeAll(async () => {
      standing = await variant.start(ENV, 1)
      ca = readFileSync(join(standing.folder, 'certs/ca.crt'), 'utf8')
    }, 30_000)
    afterAll(async () => {
      expect(await standing.stop()).toBe(0)
    }, 40_000)

    it.each(EVENTS)('$provider: takes the real one, and neither a changed one nor one of another key', async event => {
      const signed = sign(event)
      expect((await send(signed)).status).toBe(200)
      expect(forwarded().at(-1)?.headers['sallyport-principal']).toBe(`signature:${event.provider}`)
      const stranger = sign(event, credentials(found(event.provider)).held)
      await refused(stranger, 401, 'signature.mismatch')
      const again = sign(event)
      // Mailgun signs a timestamp and a token of its own, and not the event beside them.
      const text = again.body.toString()
      const changed = event.provider === 'mailgun' ? text.replace('"event-1"', '"event-2"') : text.replace('e', 'f')
      expect(changed).not.toBe(text)
      await refused({ ...again, body: changed }, 401, 'signature.mismatch')
      await refused(
        { ...again, headers: { 'content-type': event.contentType ?? JSON_TYPE }, body: event.body },
        401,
        'signature.missing',
      )
    })

    it('answers the challenge of Slack, where it is signed', async () => {
      const event = {
        provider: 'slack',
        path: '/hooks/slack',
        body: '{"type":"url_verification","challenge":"abc123"}',
      }
      const before = forwarded().length
      const reply = await send(sign(event))
      expect([reply.status, reply.body]).toEqual([200, expect.stringContaining('abc123')])
      await refused(sign(event, credentials(found('slack')).held), 401, 'signature.mismatch')
      expect(forwarded().length).toBe(before)
    })

    it('takes a message signed after RFC 9421, and no forged one', async () => {
      const body = '{"order":"A-1"}'
      expect((await send(signedByPartner(body))).status).toBe(200)
      await refused({ ...signedByPartner(body), body: '{"order":"A-2"}' }, 401, 'signature.mismatch')
      await refused(signedByPartner(body, generateKeyPairSync('ed25519').privateKey), 401, 'signature.mismatch')
      await refused({ path: '/hooks/partner', headers: { 'content-type': JSON_TYPE }, body }, 401, 'signature.missing')
    })

    it('takes the knowledge base by a token or by a password, and nobody else', async () => {
      const claims = { iss: 'https://id.example.com', aud: 'crm', sub: 'kb', scope: 'articles:write' }
      const exp = Math.floor(Date.now() / 1000) + 60
      const kb = (authorization?: string): Ask => ({
        path: '/hooks/kb/articles',
        headers: { 'content-type': JSON_TYPE, ...(authorization === undefined ? {} : { authorization }) },
        body: '{"id":1}',
      })
      expect((await send(kb(`Bearer ${await tokenOf(issuer, { ...claims, exp })}`))).status).toBe(200)
      expect(forwarded().at(-1)?.headers['sallyport-principal']).toBe('jwt:kb')
      const basic = (password: string) => `Basic ${Buffer.from(`kb:${password}`).toString('base64')}`
      expect((await send(kb(basic(ENV.KB_USER_PASSWORD)))).status).toBe(200)
      expect(forwarded().at(-1)?.headers['sallyport-principal']).toBe('basic:kb')
      expect(forwarded().at(-1)?.url).toBe('/kb/articles')

      await refused(kb(), 401, 'any-of.none')
      await refused(kb(basic('guessed')), 401, 'any-of.none')
      const other = makeIssuer('ES256', 'kb-1')
      await refused(kb(`Bearer ${await tokenOf(other, { ...claims, exp })}`), 401, 'any-of.none')
      await refused(kb(`Bearer ${await tokenOf(issuer, { ...claims, exp: 1 })}`), 401, 'any-of.none')
      const unscoped = await tokenOf(issuer, { ...claims, exp, scope: 'articles:read' })
      const reply = await send(kb(`Bearer ${unscoped}`))
      expect(reply.status).toBe(403)
    })
  })
}
