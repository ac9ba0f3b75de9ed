import { createPrivateKey, createPublicKey, createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Headers } from '../../src/core/headers.ts'
import { Secret } from '../../src/core/secret.ts'
import { type Component, covers, parseComponent } from '../../src/signing/component.ts'
import { contentDigest, digestFault } from '../../src/signing/content-digest.ts'
import {
  MESSAGE_ALGORITHMS,
  type MessageAlgorithm,
  readMessageKey,
  signBase,
  verifyBase,
} from '../../src/signing/message-algorithm.ts'
import { signRequest } from '../../src/signing/message-signer.ts'
import { type BaseFault, type CoverableRequest, FIELD_TYPES, signatureBase } from '../../src/signing/signature-base.ts'
import { readSignature, readSignatures } from '../../src/signing/signature-input.ts'
import { ANSWER, CASES, CREATED, ED25519_PRIVATE, KEYS, REQUEST, SHARED_SECRET } from '../checks/rfc9421.ts'

function component(text: string): Component {
  const parsed = parseComponent(text)
  if ('why' in parsed) throw new Error(`${text}: ${parsed.why}`)
  return parsed
}

function request(url: string, fields: readonly (readonly [string, string])[] = [], method = 'POST'): CoverableRequest {
  const target = url.slice(url.indexOf('/', 8))
  const [path = '', query = ''] = target.split('?', 2)
  return { method, target, path, query, publicUrl: url, headers: new Headers(fields.flat()) }
}

const keyOf = (keyid: string): KeyObject =>
  keyid === 'test-shared-secret'
    ? createSecretKey(Buffer.from(SHARED_SECRET, 'base64'))
    : createPublicKey(KEYS[keyid as keyof typeof KEYS])

/** The one line of the base that a component makes, or why there is none. */
function line(text: string, of: CoverableRequest, types = FIELD_TYPES): string {
  const base = signatureBase(of, [component(text)], '()', types)
  return typeof base === 'string' ? (base.split('\n')[0] ?? '') : base.why
}

describe('the test cases of RFC 9421', () => {
  it.each(CASES)('$name', ({ algorithm, keyid, input, signature, base }) => {
    const fields = Object.entries({ ...REQUEST.headers, 'Signature-Input': input, Signature: signature })
    const message = request(REQUEST.url, fields)
    const labelled = readSignatures(message.headers)
    if ('ok' in labelled) throw new Error(String(labelled.evidence.why))
    const received = labelled[0] && readSignature(labelled[0])
    if (received === undefined || 'ok' in received) throw new Error(String(received?.evidence.why))
    expect(received.created).toBe(CREATED)
    expect(received.keyid).toBe(keyid)
    const made = signatureBase(message, received.components, received.params)
    expect(made).toBe(base)
    expect(verifyBase(algorithm as MessageAlgorithm, keyOf(keyid), base, received.signature)).toBe(true)
    expect(verifyBase(algorithm as MessageAlgorithm, keyOf(keyid), `${base} `, received.signature)).toBe(false)
  })

  it('B.2.4, the signature of an answer', () => {
    const signature = Buffer.from(ANSWER.signature, 'base64')
    expect(verifyBase('ecdsa-p256-sha256', keyOf('test-key-ecc-p256'), ANSWER.base, signature)).toBe(true)
  })

  it.each([
    ['B.2.5 shared secret', 'hmac-sha256', createSecretKey(Buffer.from(SHARED_SECRET, 'base64'))],
    ['B.2.6 ed25519', 'ed25519', createPrivateKey(ED25519_PRIVATE)],
  ] as const)('%s, signed anew to the same bytes', (name, algorithm, key) => {
    const one = CASES.find(each => each.name === name)
    const [label = '', params = ''] = one?.input.split(/=(.*)/s) ?? []
    const components = [...params.matchAll(/"([^"]+)"(?=[ )])/g)].map(([, text = '']) => component(text))
    const signed = signRequest(
      { algorithm, key, keyid: one?.keyid, label, components },
      {
        method: 'POST',
        url: REQUEST.url,
        headers: Object.entries(REQUEST.headers),
        body: Buffer.from(REQUEST.body),
        nowMs: CREATED * 1000 + 999,
        nonce: '',
      },
    )
    expect(signed).toEqual([
      ['Signature-Input', one?.input],
      ['Signature', one?.signature],
    ])
  })
})

describe('components', () => {
  // RFC 9421 section 2.1.
  const fields = request('https://www.example.com/', [
    ['Host', 'www.example.com'],
    ['X-OWS-Header', '  Leading and trailing whitespace.\t '],
    ['X-Obs-Fold-Header', 'Obsolete\r\n    line folding.'],
    ['Cache-Control', 'max-age=60'],
    ['Cache-Control', '   must-revalidate'],
    ['Example-Dict', ' a=1,    b=2;x=1;y=2,   c=(a   b   c), d'],
    ['X-Empty-Header', ''],
    ['Example-Header', 'value, with, lots'],
    ['Example-Header', 'of, commas'],
    ['X-Bytes', 'caf\u00e9\u00a0'],
    ['Priority', 'u=1,   i'],
    ['Priority', 'u=1'],
    ['Cache-Status', 'ExampleCache;  hit'],
    ['Client-Cert', ':AAEC: '],
  ])
  const known = new Map([...FIELD_TYPES, ['example-dict', 'dictionary'] as const])

  it.each([
    ['host', '"host": www.example.com'],
    ['x-ows-header', '"x-ows-header": Leading and trailing whitespace.'],
    ['x-obs-fold-header', '"x-obs-fold-header": Obsolete line folding.'],
    ['cache-control', '"cache-control": max-age=60, must-revalidate'],
    ['example-dict', '"example-dict": a=1,    b=2;x=1;y=2,   c=(a   b   c), d'],
    ['x-empty-header', '"x-empty-header": '],
    ['example-dict;sf', '"example-dict";sf: a=1, b=2;x=1;y=2, c=(a b c), d'],
    ['example-dict;key="a"', '"example-dict";key="a": 1'],
    ['example-dict;key="d"', '"example-dict";key="d": ?1'],
    ['example-dict;key="b"', '"example-dict";key="b": 2;x=1;y=2'],
    ['example-dict;key="c";sf', '"example-dict";key="c";sf: (a b c)'],
    ['example-header', '"example-header": value, with, lots, of, commas'],
    ['example-header;bs', '"example-header";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:'],
    ['x-bytes;bs', '"x-bytes";bs: :Y2Fm6aA=:'],
    ['x-bytes', 'its value is not printable ASCII'],
    ['cache-status;sf', '"cache-status";sf: ExampleCache;hit'],
    ['client-cert;sf', '"client-cert";sf: :AAEC:'],
    ['priority;sf', 'the field is not of its type: the key "u" comes twice'],
    ['priority;key="i"', 'the field is no dictionary: the key "u" comes twice'],
    ['cache-status;key="a"', 'the field is no dictionary'],
    ['example-dict;key="e"', 'the field has no such member'],
    ['x-empty-header;sf', 'nothing says what type of structured field it is'],
    ['x-absent', 'the request has no such field'],
    ['x-absent;bs', 'the request has no such field'],
  ])('of a field: %s', (text, expected) => {
    expect(line(text, fields, known)).toBe(expected)
  })

  // RFC 9421 section 2.2.
  const query = 'https://www.example.com/path?param=value&foo=bar&baz=batman&qux=&twice=1&twice=2&bad=%FF'
  const odd =
    'https://www.example.com/parameters?var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace&fa%C3%A7ade%22%3A%20=something'
  it.each([
    ['@method', '"@method": POST', query],
    ['@target-uri', `"@target-uri": ${query}`, query],
    ['@target-uri', '"@target-uri": https://www.example.com/A?B', 'https://WWW.Example.COM:443/A?B'],
    ['@authority', '"@authority": www.example.com', 'https://WWW.Example.COM:443/'],
    ['@authority', '"@authority": www.example.com:443', 'http://www.example.com:443/'],
    ['@authority', '"@authority": www.example.com', 'http://www.example.com:80/'],
    ['@authority', '"@authority": [2001:db8::1]:8443', 'https://[2001:DB8::1]:8443/'],
    ['@scheme', '"@scheme": http', 'http://www.example.com/'],
    ['@request-target', '"@request-target": /path?param=value', 'https://www.example.com/path?param=value'],
    ['@path', '"@path": /a%2Fb/', 'https://www.example.com/a%2Fb/?c'],
    ['@query', '"@query": ?param=value&foo=bar&baz=bat%2Dman', 'https://a/path?param=value&foo=bar&baz=bat%2Dman'],
    ['@query', '"@query": ?queryString', 'https://www.example.com/path?queryString'],
    ['@query', '"@query": ?', 'https://www.example.com/path'],
    ['@query-param;name="baz"', '"@query-param";name="baz": batman', query],
    ['@query-param;name="qux"', '"@query-param";name="qux": ', query],
    ['@query-param;name="param"', '"@query-param";name="param": value', query],
    ['@query-param;name="var"', '"@query-param";name="var": this%20is%20a%20big%0Amultiline%20value', odd],
    ['@query-param;name="bar"', '"@query-param";name="bar": with%20plus%20whitespace', odd],
    ['@query-param;name="fa%C3%A7ade%22%3A%20"', '"@query-param";name="fa%C3%A7ade%22%3A%20": something', odd],
    ['@query-param;name="a"', '"@query-param";name="a": %21%27%28%29%7E*-._', "https://a/?a=!'()~*-._"],
    ['@query-param;name="twice"', 'the parameter comes twice', query],
    ['@query-param;name="bad"', 'the parameter is not UTF-8', query],
    ['@query-param;name="absent"', 'the query has no such parameter', query],
  ])('derived: %s is %s', (text, expected, url) => {
    expect(line(text, request(url))).toBe(expected)
  })

  it.each([
    ['@status', 'belongs to answers'],
    ['@signature-params', 'never listed'],
    ['@unknown', 'no component of a request'],
    ['Content-Type', 'not in lower case'],
    ['content type', 'no field name'],
    ['', 'no field name'],
    ['date;tr', 'trailer'],
    ['date;req', 'an earlier request'],
    ['@method;req', 'an earlier request'],
    ['date;foo', 'has no meaning here'],
    ['date;sf=?0', 'has no meaning here'],
    ['date;key=a', 'has no meaning here'],
    ['date;bs;sf', 'excludes'],
    ['date;bs;key="a"', 'excludes'],
    ['@method;sf', 'has no meaning here'],
    ['@method;name="a"', 'has no meaning here'],
    ['@query-param', '"name" is missing'],
    ['date;name="a"', 'has no meaning here'],
    ['"date', 'a string that ends'],
    ['date;sf;sf', 'comes twice'],
  ])('%j is none: %s', (text, why) => {
    const parsed = parseComponent(text)
    expect('why' in parsed && parsed.why).toContain(why)
  })

  it.each([
    ['date', 'date', true],
    ['date;sf', 'date', true],
    ['date;bs', 'date', true],
    ['date', 'date;sf', false],
    ['date;key="a"', 'date', false],
    ['date', 'date;key="a"', false],
    ['date;key="a";sf', 'date;sf;key="a"', true],
    ['@query', '@query-param;name="a"', false],
    ['@query-param;name="b"', '@query-param;name="a"', false],
  ])('%s covers %s: %s', (covered, required, expected) => {
    expect(covers(component(covered), component(required))).toBe(expected)
  })

  it('writes no value that would begin a line of its own', () => {
    const injected = signatureBase(request('https://a/', [['X-A', 'b\n"@method": GET']]), [component('x-a')], '()')
    expect(injected).toBe('"x-a": b "@method": GET\n"@signature-params": ()')
    const control: string | BaseFault = signatureBase(
      request('https://a/', [['X-A', 'b\rc']]),
      [component('x-a')],
      '()',
    )
    expect(control).toMatchObject({ component: '"x-a"' })
  })
})

describe('Content-Digest', () => {
  // RFC 9530 section 2, appendix B.1 and B.2: over {"hello": "world"} with a line end, without, and over nothing.
  it.each([
    ['{"hello": "world"}\n', 'sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:'],
    ['', 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:'],
    ['{"hello": "world"}', REQUEST.headers['Content-Digest']],
  ])('of %j is %s', (body, value) => {
    expect(digestFault(value, Buffer.from(body))).toBeUndefined()
    expect(contentDigest(Buffer.from(body), value.startsWith('sha-512') ? 'sha-512' : 'sha-256')).toBe(value)
    expect(digestFault(value, Buffer.from(`${body} `))).toMatchObject({ kind: 'mismatch' })
  })

  const body = Buffer.from('a')
  const right = contentDigest(body)
  const wrong = contentDigest(Buffer.from('b'), 'sha-512')
  it.each([
    ['one of an unknown algorithm beside', `${right}, md5=:AAAA:, x=(1 2)`, undefined],
    ['two that match', `${right}, ${contentDigest(body, 'sha-512')}`, undefined],
    ['one that does not', `${right}, ${wrong}`, 'mismatch'],
    ['unknown algorithms alone', 'md5=:DMF1ucDxtqgxw5niaXcmYQ==:', 'mismatch'],
    ['nothing', '', 'mismatch'],
    ['the same algorithm twice', `${right}, ${right}`, 'malformed'],
    ['a digest as text', right.replaceAll(':', '"'), 'malformed'],
    ['base64 without its padding', right.replace('=:', ':'), 'malformed'],
    ['a digest cut short', 'sha-256=:AAAA:', 'mismatch'],
    ['no dictionary', 'sha-256', 'malformed'],
  ])('with %s', (_name, value, kind) => {
    expect(digestFault(value, body)?.kind).toBe(kind)
  })
})

function pair(algorithm: MessageAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (algorithm) {
    case 'ed25519':
      return generateKeyPairSync('ed25519')
    case 'ecdsa-p256-sha256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ecdsa-p384-sha384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'hmac-sha256': {
      const key = createSecretKey(Buffer.from('a shared secret'))
      return { privateKey: key, publicKey: key }
    }
    default:
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}
const pairs = new Map(MESSAGE_ALGORITHMS.map(each => [each, pair(each)]))

const read = (algorithm: MessageAlgorithm, text: string): KeyObject =>
  readMessageKey(algorithm, new Secret(Buffer.from(text)), 'text')

describe.each(MESSAGE_ALGORITHMS)('%s', algorithm => {
  const { privateKey, publicKey } = pairs.get(algorithm) ?? pair(algorithm)
  const signature = signBase(algorithm, privateKey, 'the base')

  it('verifies its own, and nothing else', () => {
    expect(verifyBase(algorithm, publicKey, 'the base', signature)).toBe(true)
    expect(verifyBase(algorithm, publicKey, 'the bade', signature)).toBe(false)
    for (const other of [Buffer.alloc(0), signature.subarray(1), Buffer.concat([signature, Buffer.of(0)])])
      expect(verifyBase(algorithm, publicKey, 'the base', other)).toBe(false)
    const changed = Buffer.from(signature)
    changed[5] = (changed[5] ?? 0) ^ 1
    expect(verifyBase(algorithm, publicKey, 'the base', changed)).toBe(false)
  })

  it.runIf(algorithm !== 'hmac-sha256')('takes keys that were made for it alone', () => {
    const fitting = MESSAGE_ALGORITHMS.filter(other => {
      if (other === 'hmac-sha256') return false
      const pem = pair(other).publicKey.export({ format: 'pem', type: 'spki' }).toString()
      try {
        return read(algorithm, pem).type === 'public'
      } catch (error) {
        expect(String(error)).toMatch(/it is a key of type \S+, not /)
        return false
      }
    })
    expect(fitting).toEqual(algorithm.startsWith('rsa') ? ['rsa-pss-sha512', 'rsa-v1_5-sha256'] : [algorithm])
  })

  it.runIf(algorithm !== 'hmac-sha256')('reads its public key as PEM, JWK and DER, and no private one', () => {
    const { der, pem } = {
      der: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    }
    for (const text of [pem, JSON.stringify(publicKey.export({ format: 'jwk' })), der])
      expect(read(algorithm, text).equals(publicKey)).toBe(true)
    const secrets = [
      privateKey.export({ format: 'pem', type: 'pkcs8' }),
      JSON.stringify(privateKey.export({ format: 'jwk' })),
    ]
    for (const text of secrets) expect(() => read(algorithm, text)).toThrow('is a private key')
    for (const text of ['', 'no key', '{', '{}', 'AAAA', '00'.repeat(31)])
      expect(() => read(algorithm, text)).toThrow('it is no public key')
  })
})

describe('keys', () => {
  it('reads an Ed25519 key as hex', () => {
    const raw = keyOf('test-key-ed25519').export({ format: 'der', type: 'spki' }).subarray(12).toString('hex')
    expect(read('ed25519', raw).equals(keyOf('test-key-ed25519'))).toBe(true)
    expect(() => read('rsa-pss-sha512', raw)).toThrow('it is no public key of kind rsa-pss')
  })

  it('takes no short RSA key', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString()
    expect(() => read('rsa-v1_5-sha256', pem)).toThrow('has 1024 bits')
  })
})

describe('signing', () => {
  const key = createPrivateKey(ED25519_PRIVATE)
  const unsigned = {
    method: 'PUT',
    url: 'https://partner.example/in?a=1',
    headers: [
      ['Content-Type', 'application/json'],
      ['Content-Digest', 'sha-256=:AAAA:'],
    ] as const,
    body: Buffer.from('{}'),
    nowMs: CREATED * 1000,
    nonce: 'say "when"\\',
  }

  it('names what it was told to, in one order', () => {
    const signer = { algorithm: 'ed25519', key, keyid: 'k', tag: 't', lifetimeMs: 1500, tellAlgorithm: true } as const
    const components = ['@method', 'content-digest', '@query-param;name="a"'].map(component)
    const signed = signRequest({ ...signer, components, digest: 'sha-512' }, unsigned)
    expect(signed).toEqual([
      ['Content-Digest', contentDigest(unsigned.body, 'sha-512')],
      [
        'Signature-Input',
        `sig1=("@method" "content-digest" "@query-param";name="a");created=${CREATED};expires=${CREATED + 2};nonce="say \\"when\\"\\\\";keyid="k";alg="ed25519";tag="t"`,
      ],
      ['Signature', expect.stringMatching(/^sig1=:[A-Za-z0-9+/]{86}==:$/)],
    ])
  })

  it('says what it can not sign', () => {
    const signer = { algorithm: 'ed25519', key } as const
    expect(signRequest({ ...signer, components: [component('x-absent')] }, unsigned)).toEqual({
      component: '"x-absent"',
      why: 'the request has no such field',
    })
    expect(signRequest({ ...signer, components: [], keyid: 'ü' }, unsigned)).toMatchObject({
      why: 'keyid is not printable ASCII',
    })
  })
})
