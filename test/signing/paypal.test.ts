import { describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import type { Decision } from '../../src/core/decision.ts'
import { RemoteFault } from '../../src/core/remote.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { configOf, outcome, provider, type Sent } from '../checks/sent.ts'
import { compile, fakeRequest, fakeResources, NOW } from '../checks/testCheck.ts'
import { publish } from '../support/published.ts'

const BODY = Buffer.from('{"id":"WH-1","event_type":"PAYMENT.SALE.COMPLETED","amount":"7.47"}')
const { scheme } = provider('paypal')
const own = await publish({ dns: ['messageverificationcerts.paypal.com'] })
const other = await publish({ dns: ['messageverificationcerts.paypal.com'] })

const message = {
  method: 'POST',
  url: 'https://x.example/',
  body: BODY,
  contentType: '',
  nowMs: NOW,
  id: 'b2384410-f8d2',
}
const signed = signMessage(scheme, own.key, message)
const headers: Readonly<Record<string, string>> = Object.fromEntries(signed.headers)
const URL_SENT = headers['PAYPAL-CERT-URL'] ?? ''
const sent: Sent = { headers, body: BODY }

/** @param document what stands at the URL of the certificate */
function gate(document: string | RemoteFault, config: unknown = configOf('paypal')) {
  const resources = fakeResources()
  resources.documents.set(URL_SENT, document)
  const check = compile(signature, config, resources)
  const ask = (request: Sent): Decision => {
    const asked = fakeRequest(request)
    const decision = check.foresee?.(asked, {}) ?? check.decide(asked, {})
    if (decision instanceof Promise) throw new Error('the fake answers at once')
    return decision
  }
  return { ask, resources }
}

describe('paypal', () => {
  it('takes its own, and counts the id of the body as unsigned', () => {
    expect(gate(own.certificate).ask(sent)).toMatchObject({
      ok: true,
      facts: {
        principal: 'paypal',
        keyName: 'certificate',
        eventId: 'WH-1',
        nonce: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    })
  })

  it('refuses every single byte of the body that is changed', () => {
    const { ask } = gate(own.certificate)
    for (let at = 0; at < BODY.length; at++) {
      const body = Buffer.from(BODY)
      body[at] = (body[at] ?? 0) ^ 1
      expect(outcome(ask({ ...sent, body })), String(at)).toBe('signature.mismatch')
    }
  })

  it.each(Object.keys(headers))('refuses without %s, with it empty, twice, or changed anywhere', name => {
    const { ask } = gate(own.certificate)
    const { [name]: value = '', ...rest } = headers
    expect(outcome(ask({ headers: rest, body: BODY }))).toBe('signature.missing')
    expect(outcome(ask({ headers: { ...rest, [name]: '' }, body: BODY }))).toBe('signature.missing')
    expect(outcome(ask({ headers: { ...rest, [name]: [value, value] }, body: BODY }))).toBe('signature.malformed')
    for (let at = 0; at < value.length; at++) {
      const changed = `${value.slice(0, at)}${value[at] === 'a' ? 'b' : 'a'}${value.slice(at + 1)}`
      expect(outcome(ask({ headers: { ...rest, [name]: changed }, body: BODY })), changed).toMatch(/^signature\./)
    }
  })

  it('refuses what another certificate signed, and what was signed for another webhook', () => {
    expect(outcome(gate(other.certificate).ask(sent))).toBe('signature.mismatch')
    const config = { ...configOf('paypal'), 'webhook-id': 'ANOTHER1' }
    expect(outcome(gate(own.certificate, config).ask(sent))).toBe('signature.mismatch')
  })

  it('takes mock events of the simulator, which are for WEBHOOK_ID', () => {
    const mock = { ...configOf('paypal'), 'webhook-id': 'WEBHOOK_ID' }
    const made = signMessage(provider('paypal').settings?.scheme(mock) ?? scheme, own.key, message)
    const asked = { headers: Object.fromEntries(made.headers), body: BODY }
    expect(outcome(gate(own.certificate, mock).ask(asked))).toBe('ok')
    expect(outcome(gate(own.certificate).ask(asked))).toBe('signature.mismatch')
  })

  it.each([
    'http://api.paypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1',
    'https://evilpaypal.com/v1/notifications/certs/CERT-1',
    'https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1',
    'https://api.paypal.com:8443/v1/notifications/certs/CERT-1',
    'https://api.paypal.com/v1/notifications/certs/../../x',
    'https://api.paypal.com/v1/notifications/certs/CERT-1?x=https://evil.example',
    'https://www.paypal.com/redirect/CERT-1',
    'file:///etc/passwd',
  ])('never asks for %s', url => {
    const { ask, resources } = gate(own.certificate)
    resources.documents.set(url, own.certificate)
    expect(outcome(ask({ ...sent, headers: { ...headers, 'PAYPAL-CERT-URL': url } }))).toBe('signature.malformed')
    expect(resources.fetches).toEqual([])
  })

  it('refuses a certificate outside its dates', async () => {
    for (const dates of [
      { from: NOW - 2000, to: NOW - 1000 },
      { from: NOW + 1000, to: NOW + 2000 },
    ]) {
      const published = await publish({ dns: ['x.paypal.com'], ...dates })
      const { headers: late } = signMessage(scheme, published.key, message)
      const decision = gate(published.certificate).ask({ headers: Object.fromEntries(late), body: BODY })
      expect(decision).toMatchObject({ evidence: { why: 'the certificate is not valid at this time' } })
    }
  })

  it.each([
    ['of another host', () => publish({ dns: ['paypal.com.evil.example', 'evilpaypal.com'] })],
    ['without a name', () => publish({})],
    ['with a weak key', () => publish({ dns: ['x.paypal.com'], bits: 1024 })],
  ])('takes no certificate %s', async (_, make) => {
    const published = await make()
    const { headers: by } = signMessage(scheme, published.key, message)
    const decision = gate(published.certificate).ask({ headers: Object.fromEntries(by), body: BODY })
    expect(outcome(decision)).toBe('signature.unavailable')
  })

  it('takes no text, and no chain whose certificates did not issue one another', () => {
    for (const document of [
      'no certificate',
      `${own.certificate}\n${other.certificate}`,
      new RemoteFault('answered 500', 'x'),
    ])
      expect(outcome(gate(document).ask(sent))).toBe('signature.unavailable')
  })

  it('waits for a certificate that is fetched first, and judges its dates when it is there', async () => {
    const resources = fakeResources()
    resources.documents.set(URL_SENT, own.certificate)
    const slow: typeof resources.remoteSet = options => {
      const set = resources.remoteSet(options)
      return { get: async url => set.get(url) }
    }
    const check = compile(signature, configOf('paypal'), { ...resources, remoteSet: slow })
    const pending = check.decide(fakeRequest(sent), {})
    expect(pending).toBeInstanceOf(Promise)
    expect(outcome(await pending)).toBe('ok')
    const body = Buffer.from(`${BODY} `)
    expect(outcome(await check.decide(fakeRequest({ ...sent, body }), {}))).toBe('signature.mismatch')
    const late = check.decide(fakeRequest(sent), {})
    resources.clock.advance(50 * 365 * 86_400_000)
    expect(outcome(await late)).toBe('signature.mismatch')
  })
})
