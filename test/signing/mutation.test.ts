import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { providers } from '../../src/signing/index.ts'
import type { Provider } from '../../src/signing/provider.ts'
import { gateFor, type Sent, signWith, verdict } from './sender.ts'

const CODES = ['signature.missing', 'signature.malformed', 'signature.mismatch', 'signature.expired']

const body = fc.oneof(
  fc.json().map(text => Buffer.from(text)),
  fc.uint8Array({ minLength: 1, maxLength: 200 }).map(array => Buffer.from(array)),
)
/** Where to change something, in thousandths, and what to. */
const change = fc.record({
  what: fc.constantFrom('body', 'header', 'url'),
  how: fc.constantFrom('replace', 'insert', 'delete'),
  at: fc.integer({ min: 0, max: 999 }),
  header: fc.nat(),
  byte: fc.integer({ min: 0, max: 255 }),
})

type Change = { what: string; how: string; at: number; header: number; byte: number }

function spoil(bytes: Buffer, { how, at, byte }: Change): Buffer {
  const place = Math.floor((at / 1000) * bytes.length)
  const middle = how === 'delete' ? [] : [byte]
  return Buffer.concat([
    bytes.subarray(0, place),
    Buffer.from(middle),
    bytes.subarray(how === 'insert' ? place : place + 1),
  ])
}

/** The request with one byte changed; `undefined` where the change is none, or touches what the scheme does not sign. */
function spoilt(provider: Provider, sent: Sent, change: Change): Sent | undefined {
  const token = provider.scheme.kind === 'token'
  const what = change.what === 'url' && provider.id !== 'twilio' ? 'header' : token ? 'header' : change.what
  if (what === 'body') {
    const original = Buffer.from(sent.body)
    const other = spoil(original, change)
    return other.equals(original) ? undefined : { ...sent, body: other }
  }
  if (what === 'url') {
    const url = sent.url ?? ''
    const start = 'https://hooks.example.com'.length
    const other = url.slice(0, start + 1) + spoil(Buffer.from(url.slice(start + 1)), change).toString('latin1')
    return other === url ? undefined : { ...sent, url: other }
  }
  const signing = sent.headers.filter(([name]) => provider.scheme.headers.includes(name))
  const [name, value] = signing[change.header % signing.length] ?? ['', '']
  const other = spoil(Buffer.from(value, 'latin1'), change).toString('latin1')
  // Blanks around an entry and the case of hexadecimal digits are not part of what it says.
  if (plain(other) === plain(value)) return undefined
  return { ...sent, headers: sent.headers.map(pair => (pair[0] === name ? [name, other] : pair)) }
}

const plain = (value: string): string => {
  const text = value.replace(/\s/g, '')
  return /^[a-z0-9,=]*[0-9a-f]{40,}$/i.test(text) ? text.replace(/[0-9a-f]{40,}$/i, hex => hex.toLowerCase()) : text
}

describe.each(providers)('$id', provider => {
  const secret = provider.secret.create()
  const gate = gateFor({ provider: provider.id }, secret)

  it('verifies what was signed, and nothing with one byte changed', async () => {
    await fc.assert(
      fc.asyncProperty(body, change, async (bytes, how) => {
        const sent = signWith(provider, secret, { body: bytes })
        expect(await verdict(gate(sent))).toBe('true')
        const other = spoilt(provider, sent, how)
        if (other) expect(CODES).toContain(await verdict(gate(other)))
      }),
      { numRuns: 300 },
    )
  })

  it('answers any headers at all with a code, and never throws', async () => {
    const sent = signWith(provider, secret, { body: Buffer.from('{}') })
    const garbage = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.integer({ min: 1, max: 255 }).map(code => String.fromCharCode(code)) }),
      fc.constantFrom(
        '',
        ' ',
        ',',
        '=',
        'v1=',
        'v1,',
        't=,v1=',
        't=1,t=2',
        'v0=',
        'sha256=',
        'sha1=',
        '__proto__',
        '0',
      ),
      fc.constantFrom('a', '0', ',', ' ', 'v1,', 't=1,', '=').map(unit => unit.repeat(8000)),
    )
    const values = fc.array(garbage, { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 3, maxLength: 3 }), async lists => {
        const headers = provider.scheme.headers.flatMap((name, at) =>
          (lists[at % lists.length] ?? []).map(value => [name, value] as const),
        )
        expect(CODES).toContain(await verdict(gate({ ...sent, headers })))
        // The signature is right, and what stands beside it is not.
        const beside = sent.headers.map(
          ([name, value]) => [name, name === provider.scheme.headers[1] ? (lists[0]?.[0] ?? value) : value] as const,
        )
        expect(['true', ...CODES]).toContain(await verdict(gate({ ...sent, headers: beside })))
      }),
      { numRuns: 100 },
    )
  })
})
