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
const CHAIN = [
  { subject: 'CN=Middle', fingerprint: 'aa'.repeat(32), spki: 'bb'.repeat(32), anchor: false },
  { subject: 'CN=Root', fingerprint: '11'.repeat(32), spki: 'cc'.repeat(32), anchor: true },
]
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
    ...(
      [
        ['a DNS wildcard', { dns: '*.bank.EXAMPLE' }, 'hooks.bank.example'],
        ['a SPIFFE id', { spiffe: 'spiffe://bank.example/webhooks' }, 'spiffe://bank.example/webhooks'],
        ['a segment of a SPIFFE id', { spiffe: 'spiffe://bank.example/*' }, 'spiffe://bank.example/webhooks'],
        ['all of a trust domain', { spiffe: 'spiffe://bank.example/**' }, 'spiffe://bank.example/webhooks'],
        ['a segment of a URI', { uri: 'spiffe://bank.example/*' }, 'spiffe://bank.example/webhooks'],
        ['every mailbox of a host', { email: '*@BANK.example' }, 'Ops@Bank.example'],
        ['a network', { ip: '2001:db8::/32' }, '2001:DB8:0:0::1'],
      ] as const
    ).map(([name, one, principal]) => listed(name, one, principal)),
    ...(
      [
        ['spiffe://a.example/ns/x/sa/y', 'spiffe://a.example/ns/*/sa/y'],
        ['spiffe://a.example/ns/x/sa/y', 'spiffe://a.example/ns/**'],
        ['spiffe://eu.a.example/x', 'spiffe://*.a.example/**'],
      ] as const
    ).map(
      ([id, spiffe]): AllowCase => ({
        name: `${id} by ${spiffe}`,
        config: { allow: [{ spiffe }] },
        request: { clientCertificate: { uris: [id] } },
        adds: { principal: id },
      }),
    ),
    {
      name: 'an issuer by its key, at any height',
      config: { issuer: [{ 'spki-sha256': 'cc'.repeat(32) }] },
      request: { clientCertificate: { issuers: CHAIN } },
    },
    {
      name: 'an issuer by its certificate',
      config: { issuer: [{ name: 'CN=Other' }, { sha256: 'aa'.repeat(32) }], 'max-path-length': 1 },
      request: { clientCertificate: { issuers: CHAIN, chain: [Buffer.alloc(1)] } },
    },
    {
      name: 'an issuer of client-ca by its name',
      config: { issuer: [{ name: 'CN=Root' }] },
      request: { clientCertificate: { issuers: CHAIN } },
    },
    {
      name: 'a usage by its object identifier',
      config: { eku: '1.3.6.1.4.1.311.20.2.2' },
      request: { clientCertificate: { extendedKeyUsage: ['1.3.6.1.5.5.7.3.2', '1.3.6.1.4.1.311.20.2.2'] } },
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
    {
      name: 'the usage clientAuth, where another is asked for',
      code: 'client-cert.eku',
      config: { eku: '1.3.6.1.4.1.311.20.2.2' },
      request: { clientCertificate: {} },
    },
    {
      name: 'another issuer',
      code: 'client-cert.issuer',
      config: { issuer: [{ 'spki-sha256': 'dd'.repeat(32) }] },
      request: { clientCertificate: { issuers: CHAIN } },
    },
    {
      name: 'an intermediate that only names itself like a CA',
      code: 'client-cert.issuer',
      config: { issuer: [{ name: 'CN=Middle' }] },
      request: { clientCertificate: { issuers: CHAIN } },
    },
    {
      name: 'an intermediate too many',
      code: 'client-cert.path-length',
      config: { 'max-path-length': 0 },
      request: { clientCertificate: { chain: [Buffer.alloc(1)], issuers: CHAIN } },
    },
    ...(
      [
        ['spiffe://b.example/x', 'spiffe://a.example/**'],
        ['spiffe://a.example', 'spiffe://a.example/**'],
        ['spiffe://a.example/x/y', 'spiffe://a.example/*'],
        ['spiffe://a.example/x', 'spiffe://a.example/*/**'],
        ['spiffe://a.example/x/../y', 'spiffe://a.example/**'],
        ['spiffe://a.example/%2e%2e/y', 'spiffe://a.example/**'],
        ['spiffe://a.example/*', 'spiffe://a.example/**'],
        ['spiffe://a.example/x?y', 'spiffe://a.example/*'],
        ['spiffe://a.example.evil.test/x', 'spiffe://a.example/**'],
        ['spiffe://axexample/x', 'spiffe://a.example/*'],
        ['spiffe://x.y.a.example/x', 'spiffe://*.a.example/**'],
        ['spiffe://a.example/x', 'spiffe://*.a.example/**'],
      ] as const
    ).map(
      ([id, spiffe]): DenyCase<Code> => ({
        name: `${id} by ${spiffe}`,
        config: { allow: [{ spiffe }] },
        request: { clientCertificate: { uris: [id] } },
        code: 'client-cert.not-allowed',
      }),
    ),
    {
      name: 'a SPIFFE id beside another URI',
      config: { allow: [{ spiffe: 'spiffe://a.example/x' }] },
      request: { clientCertificate: { uris: ['spiffe://a.example/x', 'https://a.example/'] } },
      code: 'client-cert.not-allowed',
    },
    {
      name: 'a wildcard of the certificate itself',
      config: { allow: [{ dns: '*.bank.example' }, { dns: 'x.bank.example' }] },
      request: { clientCertificate: { dns: ['*.bank.example'] } },
      code: 'client-cert.not-allowed',
    },
    unlisted('two labels for one asterisk', { dns: '*.bank.example.com' }),
    unlisted('the domain itself by its wildcard', { dns: '*.hooks.bank.example' }),
    unlisted('a mailbox of a subdomain', { email: '*@example.com' }),
    unlisted('a network of other addresses', { ip: '2001:db9::/32' }),
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
    { allow: [{ dns: 'a.*.example' }] },
    { allow: [{ dns: 'a*.bank.example' }] },
    { allow: [{ uri: 'https://*.example/' }] },
    { allow: [{ uri: 'https://a.example/x*' }] },
    { allow: [{ uri: 'https://a.example/**/x' }] },
    { allow: [{ spiffe: 'spiffe://a.example/' }] },
    { allow: [{ spiffe: 'spiffe://A.example/x' }] },
    { allow: [{ spiffe: 'spiffe://a.example/../x' }] },
    { allow: [{ spiffe: 'https://a.example/x' }] },
    { allow: [{ email: 'o*@a.example' }] },
    { allow: [{ ip: '10.0.0.0/33' }] },
    { issuer: [] },
    { issuer: [{ name: 'CN=a', sha256: 'aa'.repeat(32) }] },
    { 'max-path-length': -1 },
    { allow: [{ sha256: 'abc' }] },
    { allow: [{ ip: '127.1' }] },
    { allow: [{ cn: 'a' }] },
    { eku: 'server-auth' },
  ])('refuses %j', given => {
    expect(clientCert.config.safeParse(given).success).toBe(false)
  })
})
