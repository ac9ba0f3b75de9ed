import { describe, expect, it } from 'vitest'
import { clientCert } from '../../src/checks/client-cert.ts'
import type { ClientCertificate } from '../../src/core/client-certificate.ts'
import { type AllowCase, compile, type DenyCase, fakeRequest, fakeResources, NOW, testCheck } from './testCheck.ts'

const bank: Partial<ClientCertificate> = {
  subject: 'CN=other.example',
  dns: ['hooks.bank.example', 'b.example'],
  uris: ['spiffe://bank.example/webhooks'],
  emails: ['Ops@Bank.example'],
  ips: ['2001:DB8:0:0::1'],
}
const KEY = `AB:${'5b:'.repeat(30)}cd`
type Code = keyof typeof clientCert.denials
const listed = (name: string, one: object, principal: string): AllowCase => ({
  name,
  config: { allow: [{ dns: 'someone.else' }, one] },
  request: { clientCertificate: bank },
  adds: { principal, principalBy: 'client-cert' },
})
const unlisted = (name: string, one: object): DenyCase<Code> => ({
  name,
  config: { allow: [one] },
  request: { clientCertificate: bank },
  code: 'client-cert.not-allowed',
})
const refused = (name: string, code: Code, clientCertificate: Partial<ClientCertificate>): DenyCase<Code> => ({
  name,
  code,
  request: { clientCertificate },
})

testCheck(clientCert, {
  allows: [
    {
      name: 'any of the CA, by its URI',
      request: { clientCertificate: bank },
      adds: { principal: 'spiffe://bank.example/webhooks' },
    },
    {
      name: 'any of the CA, by its DNS name',
      request: { clientCertificate: { dns: ['a.example'] } },
      adds: { principal: 'a.example' },
    },
    {
      name: 'any of the CA, by its fingerprint',
      request: { clientCertificate: {} },
      adds: { principal: 'f1'.repeat(32) },
    },
    listed('a DNS name in any case', { dns: 'Hooks.Bank.Example' }, 'hooks.bank.example'),
    listed('a URI', { uri: 'spiffe://bank.example/webhooks' }, 'spiffe://bank.example/webhooks'),
    listed('an e-mail address', { email: 'Ops@bank.EXAMPLE' }, 'Ops@Bank.example'),
    listed('an address in any form', { ip: '2001:db8::1' }, '2001:DB8:0:0::1'),
    listed('a certificate', { sha256: 'F1:'.repeat(31).concat('f1') }, 'f1'.repeat(32)),
    {
      name: 'a key',
      config: { allow: [{ 'spki-sha256': KEY }] },
      request: { clientCertificate: { spki: `ab${'5b'.repeat(30)}cd` } },
      adds: { principal: `ab${'5b'.repeat(30)}cd` },
    },
    {
      name: 'no usage, where it does not matter',
      config: { eku: 'any' },
      request: { clientCertificate: { extendedKeyUsage: undefined } },
    },
  ],
  denies: [
    { name: 'no certificate', code: 'client-cert.missing' },
    refused('one of another CA', 'client-cert.untrusted', {
      verified: false,
      problem: 'unable to get local issuer certificate',
    }),
    refused('one that does not verify, without a reason', 'client-cert.untrusted', { verified: false }),
    refused('one that has ended', 'client-cert.expired', { notAfter: NOW - 1 }),
    refused('one that has not begun', 'client-cert.expired', { notBefore: NOW + 1 }),
    refused('one that has ended, and so does not verify', 'client-cert.expired', {
      notAfter: NOW - 1,
      verified: false,
    }),
    refused('a server certificate', 'client-cert.eku', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] }),
    refused('no usage', 'client-cert.eku', { extendedKeyUsage: undefined }),
    unlisted('the CN', { dns: 'other.example' }),
    unlisted('a parent domain', { dns: 'bank.example' }),
    unlisted('a subdomain', { dns: 'x.hooks.bank.example' }),
    unlisted('a longer URI', { uri: 'spiffe://bank.example/webhooks/' }),
    unlisted('a URI in another case', { uri: 'spiffe://bank.example/Webhooks' }),
    unlisted('a mailbox in another case', { email: 'ops@bank.example' }),
    unlisted('a DNS name given as a URI', { uri: 'hooks.bank.example' }),
    unlisted("a key's digest given as a certificate's", { sha256: '5b'.repeat(32) }),
  ],
})

describe('client-cert', () => {
  it('asks the clock for every request, not the handshake', async () => {
    const resources = fakeResources()
    const check = compile(clientCert, {}, resources)
    const request = fakeRequest({ clientCertificate: { notAfter: NOW + 1000 } })
    expect((await check.decide(request, {})).ok).toBe(true)
    resources.clock.advance(1001)
    expect(await check.decide(request, {})).toMatchObject({ code: 'client-cert.expired' })
  })

  it.each([
    { allow: [] },
    { allow: [{}] },
    { allow: [{ dns: 'a.example', uri: 'x:y' }] },
    { allow: [{ dns: '*.example' }] },
    { allow: [{ sha256: 'abc' }] },
    { allow: [{ ip: '127.1' }] },
    { allow: [{ cn: 'a' }] },
    { eku: 'server-auth' },
  ])('refuses %j', given => {
    expect(clientCert.config.safeParse(given).success).toBe(false)
  })
})
