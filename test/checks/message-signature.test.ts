import { createHmac, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { frozenClock } from '../../src/core/clock.ts'
import type { Decision, Evidence } from '../../src/core/decision.ts'
import { parseComponent } from '../../src/signing/component.ts'
import { contentDigest } from '../../src/signing/content-digest.ts'
import { type MessageSigner, signRequest } from '../../src/signing/message-signer.ts'
import { CASES, CREATED, ED25519_PRIVATE, KEYS, PROXIED, REQUEST, SHARED_SECRET, TERMINATED } from './rfc9421.ts'
import { compile, fakeRequest, fakeResources, NOW } from './testCheck.ts'

interface Sent {
  readonly method?: string
  readonly url?: string
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  readonly chunked?: boolean
}

const URL_GIVEN = 'https://hooks.example.com/hooks/partner?a=1&b=two'
const BODY = '{"event":"ticket.created"}'
const OURS = createPrivateKey(ED25519_PRIVATE)
const ENV = {
  PARTNER_KEY: createPublicKey(OURS).export({ format: 'pem', type: 'spki' }).toString(),
  OTHER_KEY: generateKeyPairSync('ed25519').publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  SHARED_SECRET,
  RSA: KEYS['test-key-rsa'],
  RSA_PSS: KEYS['test-key-rsa-pss'],
  P256: KEYS['test-key-ecc-p256'],
}
const CONFIG = {
  scheme: 'http-message-signature',
  algorithm: 'ed25519',
  keys: [{ id: 'partner-1', env: 'PARTNER_KEY' }],
  require: ['@method', '@target-uri', 'content-digest', 'content-type'],
  'max-age': '5m',
}

/** A gate's check, asked as the pipeline asks: the head first. Gives what the head decided, too. */
function gate(config: object = CONFIG, nowMs = NOW) {
  const clock = frozenClock(nowMs)
  const check = compile(signature, config, fakeResources({ clock, secrets: ENV }))
  const ask = ({ method = 'POST', url = URL_GIVEN, headers, body = BODY, chunked = false }: Sent) => {
    const target = url.slice(url.indexOf('/', 8))
    const request = { ...fakeRequest({ method, target, headers, body, chunked }), publicUrl: url }
    const foreseen = check.foresee?.(request, {})
    const decision = foreseen ?? check.decide(request, {})
    if (decision instanceof Promise) throw new Error('a signature is checked at once')
    return { decision, early: foreseen !== undefined }
  }
  return Object.assign((sent: Sent) => ask(sent).decision, { ask, clock })
}

const components = (texts: readonly string[]) =>
  texts.map(text => {
    const parsed = parseComponent(text)
    if ('why' in parsed) throw new Error(parsed.why)
    return parsed
  })

interface Signing extends Partial<Omit<MessageSigner, 'components'>> {
  readonly covered?: readonly string[]
  readonly nonce?: string
  readonly nowMs?: number
  readonly sent?: Partial<Sent>
}

/** A request signed by the partner. */
function signed({ covered = CONFIG.require, nonce = '', nowMs = NOW, sent = {}, ...signer }: Signing = {}): Sent {
  const { method = 'POST', url = URL_GIVEN, headers = {}, body = BODY } = sent
  const given = { 'Content-Type': 'application/json', ...headers }
  const made = signRequest(
    { algorithm: 'ed25519', key: OURS, keyid: 'partner-1', ...signer, components: components(covered) },
    {
      method,
      url,
      headers: Object.entries(given).flatMap(([name, value]) => [value].flat().map(one => [name, one] as const)),
      body: Buffer.from(body),
      nowMs,
      nonce,
    },
  )
  if ('why' in made) throw new Error(made.why)
  return { ...sent, method, url, body, headers: { ...given, ...Object.fromEntries(made) } }
}

const also = (sent: Sent, headers: Sent['headers']): Sent => ({ ...sent, headers: { ...sent.headers, ...headers } })

function refusal(decision: Decision): { code: string; evidence: Evidence } {
  if (decision.ok !== false) throw new Error(`it is ${JSON.stringify(decision)}`)
  return { code: decision.code, evidence: decision.evidence ?? {} }
}

describe('the requests of RFC 9421', () => {
  const keys: Readonly<Record<string, object>> = {
    'test-key-rsa-pss': { keys: [{ id: 'test-key-rsa-pss', env: 'RSA_PSS' }] },
    'test-key-ed25519': { keys: [{ id: 'test-key-ed25519', env: 'PARTNER_KEY' }] },
    'test-shared-secret': {
      secrets: [{ id: 'test-shared-secret', env: 'SHARED_SECRET' }],
      'key-form': 'base64',
    },
  }
  it.each(CASES)('$name', ({ algorithm, keyid, input, signature: value }) => {
    const config = { scheme: 'http-message-signature', algorithm, require: [], ...keys[keyid] }
    const { url, headers, body } = REQUEST
    const { 'Content-Length': _length, ...fields } = headers
    const sent = { url, body, headers: { ...fields, 'Signature-Input': input, Signature: value } }
    expect(gate(config, CREATED * 1000)(sent)).toMatchObject({
      ok: true,
      facts: { principal: keyid, principalBy: 'signature', keyName: keyid },
    })
    expect(
      refusal(
        gate(config, CREATED * 1000)({ ...sent, headers: { ...sent.headers, Signature: value.replace(/[a-m]/, 'z') } }),
      ).code,
    ).toMatch(/mismatch|malformed/)
    expect(refusal(gate(config, (CREATED + 301) * 1000)(sent)).code).toBe('signature.expired')
    expect(refusal(gate({ ...config, require: undefined }, CREATED * 1000)(sent)).code).toBe('signature.incomplete')
  })

  const PROXY = {
    scheme: 'http-message-signature',
    algorithm: 'rsa-v1_5-sha256',
    require: ['content-digest', 'forwarded'],
  }
  const { 'Content-Length': _proxied, ...proxied } = PROXIED.headers
  const message = { url: PROXIED.url, headers: proxied, body: REQUEST.body }

  it('of two signatures, takes the one whose key is known', () => {
    const check = gate({ ...PROXY, keys: [{ id: 'test-key-rsa', env: 'RSA' }] }, CREATED * 1000)
    expect(check(message)).toMatchObject({ ok: true, facts: { keyName: 'test-key-rsa' } })
  })

  it('of two signatures, takes the one with the label of the route', () => {
    const config = { ...PROXY, keys: [{ env: 'RSA' }], require: [] }
    expect(gate({ ...config, label: 'proxy_sig' }, CREATED * 1000)(message)).toMatchObject({ ok: true })
    expect(refusal(gate({ ...config, label: 'sig1' }, CREATED * 1000)(message)).code).toBe('signature.mismatch')
    expect(refusal(gate({ ...config, label: 'sig2' }, CREATED * 1000)(message))).toEqual({
      code: 'signature.missing',
      evidence: {
        scheme: 'http-message-signature',
        header: 'Signature-Input',
        'label-wanted': 'sig2',
        labels: ['sig1', 'proxy_sig'],
      },
    })
  })

  it('takes keys of several algorithms', () => {
    const keys = [
      { id: 'test-key-rsa', env: 'RSA' },
      { id: 'test-key-ecc-p256', env: 'P256', algorithm: 'ecdsa-p256-sha256' },
    ]
    const client = { ...message, url: REQUEST.url }
    const config = { ...PROXY, keys, require: [], skew: '10s' }
    expect(gate({ ...config, label: 'sig1' }, CREATED * 1000)(client)).toMatchObject({
      ok: true,
      facts: { keyName: 'test-key-ecc-p256' },
    })
  })

  it('of a proxy that ended TLS', () => {
    const config = { ...PROXY, algorithm: 'ecdsa-p256-sha256', keys: [{ env: 'P256' }], require: ['client-cert'] }
    const { 'Content-Length': _length, ...headers } = TERMINATED.headers
    const sent = { url: TERMINATED.url, headers, body: REQUEST.body }
    expect(gate(config, CREATED * 1000)(sent)).toMatchObject({ ok: true })
    const forged = also(sent, { 'Client-Cert': TERMINATED.headers['Client-Cert'].replace('MIIB', 'MIIC') })
    expect(refusal(gate(config, CREATED * 1000)(forged)).code).toBe('signature.mismatch')
  })
})

describe('what holds', () => {
  it('a signature that covers what the route requires', () => {
    expect(gate()(signed())).toMatchObject({ ok: true, facts: { keyName: 'partner-1', verifiesForMs: 301_000 } })
  })

  it('whatever else it covers, in another form and order', () => {
    const covered = [
      'content-type;sf',
      'content-digest;bs',
      '@target-uri',
      '@scheme',
      '@method',
      '@query-param;name="b"',
    ]
    const config = { ...CONFIG, 'structured-fields': { 'content-type': 'item' } }
    const types = new Map([['content-type', 'item'] as const])
    expect(gate(config)(signed({ covered, types }))).toMatchObject({ ok: true })
  })

  it('a nonce, which is the event; without one, what was signed is', () => {
    const decision = gate()(signed({ nonce: 'n-1' }))
    expect(decision).toMatchObject({ ok: true, facts: { eventId: 'n-1' } })
    expect(decision).not.toHaveProperty('facts.nonce')
    expect(gate()(signed())).toMatchObject({ facts: { nonce: expect.stringMatching(/^[0-9a-f]{64}$/) } })
  })

  it('by any key that is current, and by one without an id whatever the keyid', () => {
    const keys = [{ env: 'OTHER_KEY' }, { name: 'second', env: 'PARTNER_KEY' }]
    for (const keyid of ['partner-1', 'partner-2', undefined])
      expect(gate({ ...CONFIG, keys })(signed({ keyid }))).toMatchObject({ ok: true, facts: { keyName: 'second' } })
    const ended = [keys[0], { ...keys[1], expires: '2026-11-23' }]
    expect(refusal(gate({ ...CONFIG, keys: ended })(signed())).evidence).toMatchObject({
      'secrets-tried': ['current'],
      'secrets-expired': ['second'],
    })
  })

  it('as the partner that its key is of, by name, else by keyid', () => {
    const principal = (key: object) => {
      const decision = gate({
        ...CONFIG,
        keys: [
          { id: 'other', env: 'OTHER_KEY' },
          { ...key, env: 'PARTNER_KEY' },
        ],
      })(signed())
      return 'facts' in decision && decision.facts?.principal
    }
    expect(principal({ id: 'partner-1', name: 'acme' })).toBe('acme')
    expect(principal({ id: 'partner-1' })).toBe('partner-1')
    // Without either there is nobody to name: its place in the list is not one.
    expect(principal({})).toBe('http-message-signature')
    const keyid = 'https://acme.example/keys/1'
    const keys = [{ id: keyid, env: 'PARTNER_KEY' }]
    expect(gate({ ...CONFIG, keys })(signed({ keyid }))).toMatchObject({ facts: { principal: keyid } })
  })

  it('one whose alg is the right one, and one that names its tag', () => {
    expect(gate()(signed({ tellAlgorithm: true }))).toMatchObject({ ok: true })
    expect(gate({ ...CONFIG, tag: 'crm' })(signed({ tag: 'crm' }))).toMatchObject({ ok: true })
  })

  it('a field that comes twice, joined', () => {
    const covered = [...CONFIG.require, 'x-list']
    const sent = signed({ covered, sent: { headers: { 'X-List': ['a', 'b'] } } })
    expect(gate()(sent)).toMatchObject({ ok: true })
    expect(gate()(also(sent, { 'X-List': 'a, b' }))).toMatchObject({ ok: true })
    expect(gate()(also(sent, { 'X-List': ['b', 'a'] }))).toMatchObject({ ok: false })
  })

  it('blanks in Signature-Input, as its canonical text is what is signed', () => {
    const sent = signed({ nonce: 'n' })
    const input = String(sent.headers['Signature-Input']).replaceAll('" "', '"   "').replaceAll(';', ';  ')
    expect(gate()(also(sent, { 'Signature-Input': input }))).toMatchObject({ ok: true })
  })

  it('no body at all, where the route names nothing', () => {
    const config = { ...CONFIG, require: undefined }
    const covered = ['@method', '@target-uri']
    const sent = { method: 'DELETE', body: '' }
    expect(gate(config)(signed({ covered, sent }))).toMatchObject({ ok: true })
    expect(refusal(gate(config)(signed({ covered })))).toMatchObject({
      code: 'signature.incomplete',
      evidence: { missing: ['"content-digest"'] },
    })
    expect(refusal(gate(config)(signed({ covered, sent: { chunked: true } }))).code).toBe('signature.incomplete')
    for (const digest of ['content-digest', 'content-digest;key="sha-256"'])
      expect(gate(config)(signed({ covered: [...covered, digest] }))).toMatchObject({ ok: true })
  })

  it('over a body that nobody signed, where the route says so', () => {
    expect(gate({ ...CONFIG, require: [] })({ ...signed({ covered: ['@method'] }), body: 'anything' })).toMatchObject({
      ok: true,
    })
  })
})

describe('what does not', () => {
  const { headers } = signed()
  const input = String(headers['Signature-Input'])
  const value = String(headers.Signature)
  const mark = value.slice('sig1='.length)

  it.each<[string, string, Evidence, Sent | Sent['headers']]>([
    ['no Signature-Input', 'missing', { header: 'Signature-Input' }, { 'Signature-Input': [] }],
    ['an empty one', 'missing', { header: 'Signature-Input' }, { 'Signature-Input': '' }],
    ['no Signature', 'missing', { header: 'Signature' }, { Signature: [] }],
    ['a label in one field alone', 'malformed', { header: 'Signature' }, { Signature: `${value}, sig2=:AAAA:` }],
    ['a label in the other alone', 'malformed', { header: 'Signature-Input' }, { 'Signature-Input': `${input}, b=()` }],
    ['the same label on two lines', 'malformed', { why: 'the key "sig1" comes twice' }, { Signature: [value, value] }],
    ['a signature as text', 'malformed', { header: 'Signature' }, { Signature: 'sig1="abc"' }],
    ['a signature with parameters', 'malformed', { header: 'Signature' }, { Signature: `${value};a=1` }],
    [
      'an input that is no list',
      'malformed',
      { why: '"sig1" is no list in brackets' },
      { 'Signature-Input': 'sig1=1' },
    ],
    [
      'a component twice',
      'malformed',
      { why: '"@method" is listed twice' },
      { 'Signature-Input': input.replace('("', '("@method" "') },
    ],
    [
      'a component twice, its parameters turned',
      'malformed',
      { why: '"a";key="b";sf is listed twice' },
      { 'Signature-Input': input.replace('("', '("a";sf;key="b" "a";key="b";sf "') },
    ],
    ['a trailer', 'malformed', {}, { 'Signature-Input': input.replace('"content-type"', '"content-type";tr') }],
    ['an unknown component', 'malformed', {}, { 'Signature-Input': input.replace('("', '("@foo" "') }],
    ['created as text', 'malformed', {}, { 'Signature-Input': input.replace(/created=(\d+)/, 'created="$1"') }],
    ['created twice', 'malformed', {}, { 'Signature-Input': `${input};created=1` }],
    ['an empty keyid', 'malformed', {}, { 'Signature-Input': input.replace('"partner-1"', '""') }],
    ['a keyid as a token', 'malformed', {}, { 'Signature-Input': input.replace('"partner-1"', 'partner-1') }],
    ['a nonce too long', 'malformed', {}, { 'Signature-Input': `${input};nonce="${'n'.repeat(257)}"` }],
    ['no created', 'expired', { why: 'created is missing' }, { 'Signature-Input': input.replace(/;created=\d+/, '') }],
    [
      'another keyid',
      'mismatch',
      { keyid: ['partner-2'], 'keyids-known': ['partner-1'] },
      { 'Signature-Input': input.replace('partner-1', 'partner-2') },
    ],
    [
      'another alg',
      'mismatch',
      { alg: 'hmac-sha256', algorithms: ['ed25519'] },
      { 'Signature-Input': `${input};alg="hmac-sha256"` },
    ],
    ['an alg as a token', 'malformed', {}, { 'Signature-Input': `${input};alg=ed25519` }],
    ['a parameter that was not signed', 'mismatch', {}, { 'Signature-Input': `${input};x=1` }],
    [
      'a covered field that is gone',
      'mismatch',
      { component: '"content-type"', why: 'the request has no such field' },
      { 'Content-Type': [] },
    ],
    ['a covered field of another value', 'mismatch', {}, { 'Content-Type': 'text/json' }],
    ['a covered field a second time', 'mismatch', {}, { 'Content-Type': ['application/json', 'text/html'] }],
    ['a signature cut short', 'mismatch', {}, { Signature: 'sig1=:AAAA:' }],
    [
      'more labels than eight',
      'malformed',
      {},
      { 'Signature-Input': `${'abcdefghi'.replaceAll(/./g, '$&=(), ')}z=()` },
    ],
    ['more components than 32', 'malformed', {}, { 'Signature-Input': input.replace('("', `(${'"a" '.repeat(32)}"`) }],
    [
      'more parameters than 16',
      'malformed',
      {},
      { 'Signature-Input': input + Array.from({ length: 16 }, (_, i) => `;p${i}`).join('') },
    ],
    [
      'a field longer than 8 KiB',
      'malformed',
      { why: 'it is longer than 8192 characters' },
      { Signature: `${value}${' '.repeat(8192)}` },
    ],
    ['the label of another signature', 'malformed', {}, { Signature: `sig2=${mark}` }],
  ])('%s: signature.%s', (_name, code, evidence, changed) => {
    const result = gate().ask(also(signed(), changed as Sent['headers']))
    expect(refusal(result.decision)).toMatchObject({ code: `signature.${code}`, evidence })
    expect(result.early, 'before the body is read').toBe(true)
  })

  it('another method, path, query, host or scheme', () => {
    const sent = signed()
    for (const change of [
      { method: 'PUT' },
      { url: URL_GIVEN.replace('partner', 'partners') },
      { url: URL_GIVEN.replace('a=1', 'a=2') },
      { url: URL_GIVEN.replace('hooks.', 'hook.') },
      { url: URL_GIVEN.replace('https', 'http') },
    ])
      expect(refusal(gate()({ ...sent, ...change })).code).toBe('signature.mismatch')
  })

  it('another body, and a digest that is not the body, found once the body is read', () => {
    const other = gate().ask({ ...signed(), body: BODY.replace('t', 'T') })
    expect(other.early).toBe(false)
    expect(refusal(other.decision)).toMatchObject({
      code: 'signature.mismatch',
      evidence: { header: 'Content-Digest', why: 'sha-256 is not the digest of the body' },
    })
    expect(refusal(gate()(also(signed(), { 'Content-Digest': contentDigest(Buffer.from('x')) }))).code).toBe(
      'signature.mismatch',
    )
  })

  it('a digest by an unknown algorithm alone', () => {
    const covered = ['@method', '@target-uri', 'content-digest']
    const unknown = 'md5=:DMF1ucDxtqgxw5niaXcmYQ==:'
    const line = `"@method": POST\n"@target-uri": ${URL_GIVEN}\n"content-digest": ${unknown}\n`
    const params = `("${covered.join('" "')}");created=${NOW / 1000}`
    const mac = createHmac('sha256', SHARED_SECRET).update(`${line}"@signature-params": ${params}`).digest('base64')
    const config = {
      ...CONFIG,
      algorithm: 'hmac-sha256',
      keys: undefined,
      require: undefined,
      secrets: [{ env: 'SHARED_SECRET' }],
    }
    const decision = gate(config)({
      headers: { 'Content-Digest': unknown, 'Signature-Input': `s=${params}`, Signature: `s=:${mac}:` },
    })
    expect(refusal(decision)).toMatchObject({ code: 'signature.mismatch', evidence: { header: 'Content-Digest' } })
  })

  it('less than the route requires, naming it', () => {
    expect(refusal(gate()(signed({ covered: ['content-type', '@method'] })))).toMatchObject({
      code: 'signature.incomplete',
      evidence: {
        label: 'sig1',
        missing: ['"@target-uri"', '"content-digest"'],
        covered: ['"content-type"', '"@method"'],
      },
    })
    expect(
      refusal(gate()(signed({ covered: ['@method', '@target-uri', 'content-type', 'content-digest;key="sha-256"'] })))
        .code,
    ).toBe('signature.incomplete')
  })

  it('an old one, one from ahead, one whose end has come', () => {
    const at = (ms: number): string => {
      const decision = gate(CONFIG, NOW + ms)(signed({ lifetimeMs: 600_000 }))
      return decision.ok === true ? 'ok' : refusal(decision).code
    }
    expect([300_000, 300_999, -60_000].map(at)).toEqual(['ok', 'ok', 'ok'])
    expect([301_000, -61_000].map(at)).toEqual(['signature.expired', 'signature.expired'])
    const short = (ms: number) => gate(CONFIG, NOW + ms)(signed({ lifetimeMs: 10_000 }))
    expect(short(10_999)).toMatchObject({ ok: true })
    expect(refusal(short(11_000))).toMatchObject({
      code: 'signature.expired',
      evidence: { why: 'expires has passed', 'expired-for-s': 1 },
    })
  })

  it('one that ended while its body came', () => {
    const clock = frozenClock(NOW)
    const check = compile(signature, CONFIG, fakeResources({ clock, secrets: ENV }))
    const { headers: fields } = signed()
    const request = {
      ...fakeRequest({ target: '/hooks/partner?a=1&b=two', headers: fields, body: BODY }),
      publicUrl: URL_GIVEN,
    }
    expect(check.foresee?.(request, {})).toBeUndefined()
    clock.advance(301_000)
    expect(check.decide(request, {})).toMatchObject({ ok: false, code: 'signature.expired' })
  })

  it('a tag that the route does not want', () => {
    const check = gate({ ...CONFIG, tag: 'crm' })
    for (const tag of [undefined, 'web-bot-auth'])
      expect(refusal(check(signed({ tag })))).toMatchObject({
        code: 'signature.missing',
        evidence: { 'tag-wanted': 'crm' },
      })
  })

  it('a shared secret that is the text of the public key', () => {
    const { headers: fields } = signed()
    const params = String(fields['Signature-Input']).slice('sig1='.length)
    const mac = createHmac('sha256', ENV.PARTNER_KEY).update(`"@signature-params": ${params}`).digest('base64')
    const forged = also(signed(), { 'Signature-Input': `sig1=${params};alg="hmac-sha256"`, Signature: `sig1=:${mac}:` })
    expect(refusal(gate()(forged)).code).toBe('signature.mismatch')
  })

  it('takes its route offline for a key that is none, and says which', () => {
    const create = (config: object) => () =>
      compile(signature, { ...CONFIG, ...config }, fakeResources({ secrets: ENV }))
    expect(create({ keys: [{ id: 'partner-1', env: 'RSA' }] })).toThrow(
      'key "partner-1" (env:RSA): it is a key of type rsa, not ed25519',
    )
    expect(create({ keys: [{ env: 'ABSENT' }] })).toThrow('secret ABSENT is missing')
    expect(create({ keys: [{ env: 'ABSENT' }, { env: 'OTHER_KEY' }] })).not.toThrow()
    expect(
      create({ algorithm: 'hmac-sha256', keys: undefined, secrets: [{ env: 'P256' }], 'key-form': 'hex' }),
    ).toThrow('is not written in hex')
  })
})

describe('mutations', () => {
  const covered = [...CONFIG.require, '@path', '@query', 'x-custom', 'date;bs', 'priority;sf', '@query-param;name="b"']
  const sent = signed({
    covered,
    nonce: 'n-1',
    tellAlgorithm: true,
    sent: {
      headers: { 'X-Custom': 'a value of some length', Date: 'Tue, 24 Nov 2026 10:00:00 GMT', Priority: 'u=1, i' },
    },
  })
  const check = gate()
  const RUNS = { numRuns: 1500 }
  const fields = ['Content-Type', 'Content-Digest', 'X-Custom', 'Date', 'Signature-Input', 'Signature']

  it('takes what was signed', () => {
    expect(check(sent)).toMatchObject({ ok: true })
  })

  it('never verifies a changed field', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.nat(), fc.integer({ min: 0x21, max: 0xff }), (name, at, code) => {
        const value = String(sent.headers[name])
        const index = at % value.length
        const changed = value.slice(0, index) + String.fromCharCode(code) + value.slice(index + 1)
        if (changed === value) return
        expect(check(also(sent, { [name]: changed })).ok).toBe(false)
      }),
      RUNS,
    )
  })

  it('never verifies a field with a piece cut out', () => {
    fc.assert(
      fc.property(fc.constantFrom(...fields), fc.nat(), fc.integer({ min: 1, max: 40 }), (name, at, length) => {
        const value = String(sent.headers[name])
        const index = at % value.length
        const changed = value.slice(0, index) + value.slice(index + length)
        // A blank that is left out between two lists is not part of what is signed.
        if (name === 'Signature-Input' && changed.replaceAll(' ', '') === value.replaceAll(' ', '')) return
        expect(check(also(sent, { [name]: changed })).ok).toBe(false)
      }),
      RUNS,
    )
  })

  it('never verifies a changed URL, method or body', () => {
    const at = URL_GIVEN.indexOf('/', 8) + 1
    fc.assert(
      fc.property(fc.nat(URL_GIVEN.length - at - 1), fc.constantFrom(...'xyz0%&=/'), (index, character) => {
        const url = URL_GIVEN.slice(0, at + index) + character + URL_GIVEN.slice(at + index + 1)
        if (url !== URL_GIVEN) expect(check({ ...sent, url }).ok).toBe(false)
      }),
      RUNS,
    )
    fc.assert(
      fc.property(fc.string({ maxLength: 10 }), method => method === 'POST' || check({ ...sent, method }).ok === false),
      RUNS,
    )
    fc.assert(
      fc.property(fc.nat(BODY.length - 1), fc.integer({ min: 1, max: 255 }), (index, mask) => {
        const body = Buffer.from(BODY)
        body[index] = (body[index] ?? 0) ^ mask
        expect(check({ ...sent, body }).ok).toBe(false)
      }),
      RUNS,
    )
  })

  it('answers whatever stands in the three fields', () => {
    const anything = fc.oneof(
      fc.string({ maxLength: 200 }),
      fc.string({ unit: fc.constantFrom(...'sig1=("a" );:,\\?@%0.-'), maxLength: 200 }),
      fc.constantFrom(
        '',
        ',',
        '=',
        '()',
        'a=()',
        'sig1=(',
        'sig1=()',
        'sig1=::',
        '('.repeat(8000),
        ', '.repeat(4000),
        '"'.repeat(8000),
      ),
    )
    fc.assert(
      fc.property(
        fc.constantFrom('Content-Digest', 'Signature-Input', 'Signature'),
        anything,
        anything,
        (name, one, two) => {
          expect(check(also(sent, { [name]: [one, two] })).ok).toBe(false)
        },
      ),
      RUNS,
    )
  })
})
