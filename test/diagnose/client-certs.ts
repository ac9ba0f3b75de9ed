import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificates } from '../support/gate.ts'
import { CLIENT_AUTH, type Craft, type Crafted, craft, craftCrl, DAY, SERVER_AUTH } from '../tls/craft.ts'
import { gateFamily, type Place, type Request, type Sent } from './gate-family.ts'

interface Shown {
  readonly cert: string
  readonly key: string
}

const LONG = { notAfter: Date.now() + 200 * DAY }
let made: Readonly<Record<string, Shown>> = {}

/** What a client shows: its certificate, and what it sends with it. */
const shown = (leaf: Crafted, ...with_: readonly Crafted[]): Shown => ({
  cert: [leaf, ...with_].map(({ certificate }) => certificate).join('\n'),
  key: leaf.key,
})

async function prepare(folder: string): Promise<void> {
  await makeCertificates(join(folder, 'certs'))
  const root = await craft({ subject: 'CN=Bank Root CA,O=Bank of Examples', ca: true, ...LONG })
  const issuing = await craft({ subject: 'CN=Bank Issuing CA 3,O=Bank of Examples', issuer: root, ca: true, ...LONG })
  const retired = await craft({ subject: 'CN=Bank Issuing CA 2,O=Bank of Examples', issuer: root, ca: true, ...LONG })
  const quiet = await craft({ subject: 'CN=Bank Issuing CA 9,O=Bank of Examples', issuer: root, ca: true, ...LONG })
  const ended = await craft({
    subject: 'CN=Bank Issuing CA 1,O=Bank of Examples',
    issuer: root,
    ca: true,
    notBefore: Date.now() - 90 * DAY,
    notAfter: Date.now() - 2 * DAY,
  })
  const again = await craft({ subject: 'CN=Bank Root CA,O=Bank of Examples', ca: true, ...LONG })
  const other = await craft({ subject: 'CN=Insurance Root CA,O=Insurance of Examples', ca: true, ...LONG })
  const otherIssuing = await craft({
    subject: 'CN=Insurance Issuing CA,O=Insurance of Examples',
    issuer: other,
    ca: true,
    ...LONG,
  })
  const leaf = (more: Partial<Craft> = {}): Promise<Crafted> =>
    craft({ subject: 'CN=hooks', issuer: issuing, dns: ['hooks.bank.example'], usage: [CLIENT_AUTH], ...LONG, ...more })
  const right = await leaf()
  const revoked = await leaf()
  made = {
    right: shown(right, issuing),
    bare: shown(right),
    quiet: shown(await leaf({ issuer: quiet })),
    otherIntermediate: shown(right, retired),
    otherCa: shown(await leaf({ issuer: other })),
    otherChain: shown(await leaf({ issuer: otherIssuing }), otherIssuing),
    otherWhole: shown(await leaf({ issuer: otherIssuing }), otherIssuing, other),
    expired: shown(await leaf({ notBefore: Date.now() - 30 * DAY, notAfter: Date.now() - 3 * DAY }), issuing),
    notYet: shown(await leaf({ notBefore: Date.now() + 2 * DAY }), issuing),
    forServers: shown(await leaf({ usage: [SERVER_AUTH] }), issuing),
    noUsage: shown(await leaf({ usage: undefined }), issuing),
    otherUsage: shown(await leaf({ usage: ['1.3.6.1.5.5.7.3.4'] }), issuing),
    revoked: shown(revoked, issuing),
    chainEnded: shown(await leaf({ issuer: ended }), ended),
    caRenewed: shown(await leaf({ issuer: again })),
    self: shown(
      await craft({ subject: 'CN=hooks.bank.example', dns: ['hooks.bank.example'], usage: [CLIENT_AUTH], ...LONG }),
    ),
    near: shown(await leaf({ dns: ['hook.bank.example'] }), issuing),
    subdomain: shown(await leaf({ dns: ['eu.hooks.bank.example'] }), issuing),
    commonName: shown(await leaf({ subject: 'CN=hooks.bank.example', dns: ['bank.example'] }), issuing),
    neighbour: shown(await leaf({ dns: ['pay.bank.example'] }), issuing),
    stranger: shown(await leaf({ dns: ['quite-different.example'] }), issuing),
  }
  writeFileSync(join(folder, 'clients.pem'), root.certificate)
  writeFileSync(
    join(folder, 'clients.crl'),
    `${await craftCrl(root)}\n${await craftCrl(issuing, { revoked: [revoked.serial] })}`,
  )
}

const bank = (
  what: string,
  cause: string,
  client: string | undefined,
  more: Partial<Request> & { path?: string; to?: string } = {},
): Request => {
  const { path = '/bank', to = 'public', ...rest } = more
  return {
    what,
    cause,
    ...rest,
    send: ({ folder }: Place): Sent => ({
      to,
      path,
      headers: { 'content-type': 'application/json', host: 'localhost' },
      body: '{"transfer":"T-1"}',
      tls: { ca: readFileSync(join(folder, 'certs/ca.crt')), ...(client === undefined ? {} : made[client]) },
    }),
  }
}

const KEPT: readonly (readonly [what: string, cause: string, client: string, says?: RegExp])[] = [
  ['expired three days ago', 'client-cert.expired', 'expired'],
  ['a certificate of another CA', 'client-cert.other-ca', 'otherCa', /Insurance Root CA/],
  ['a certificate for servers', 'client-cert.server-certificate', 'forServers'],
  ['a name that differs in a letter', 'client-cert.name-near', 'near', /hook\.bank\.example/],
  ['a CA made anew under its old name', 'client-cert.ca-renewed', 'caRenewed'],
]

/** Client certificates, in real handshakes with a running gate. */
export const clientCertificates = gateFamily({
  name: 'client-certs',
  env: {},
  prepare,
  listeners: 3,
  config: `
listeners:
  - { name: public, bind: "127.0.0.1:0", tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }], client-ca: clients.pem } }
  - { name: revoking, bind: "127.0.0.1:0", tls: { certificates: [{ cert: certs/server.crt, key: certs/server.key }], client-ca: clients.pem, client-crl: clients.crl } }
  - { name: plain, bind: "127.0.0.1:0" }
routes:
  - { name: bank, match: { path: /bank }, checks: [{ client-cert: { allow: [{ dns: hooks.bank.example }] } }], forward: { to: UPSTREAM/in } }
  - { name: pay, match: { path: /pay }, checks: [{ client-cert: { allow: [{ dns: pay.bank.example }] } }], forward: { to: UPSTREAM/in } }
  - { name: any, match: { path: /any }, checks: [{ client-cert: {} }], forward: { to: UPSTREAM/in } }
  - { name: direct, match: { path: /direct }, checks: [{ client-cert: { max-path-length: 0 } }], forward: { to: UPSTREAM/in } }
  - { name: named, match: { path: /named }, checks: [{ client-cert: { issuer: [{ name: "CN=Clearing Root CA,O=Clearing" }] } }], forward: { to: UPSTREAM/in } }
`,
  requests: [
    bank('no client certificate', 'client-cert.not-set', undefined),
    {
      what: 'plain HTTP to a route of client certificates',
      cause: 'client-cert.plain-http',
      send: (): Sent => ({ to: 'plain', path: '/bank', headers: { 'content-type': 'application/json' }, body: '{}' }),
    },
    {
      what: 'TLS ended at a proxy, which passes the certificate on',
      cause: 'client-cert.ended-at-proxy',
      says: /proxy-client-cert/,
      send: (): Sent => ({
        to: 'plain',
        path: '/bank',
        headers: { 'content-type': 'application/json', 'x-forwarded-client-cert': 'Hash=0a1b' },
        body: '{}',
      }),
    },
    bank('an intermediate not sent, seen from nobody', 'client-cert.intermediate-missing', 'quiet', {
      says: /Bank Issuing CA 9/,
    }),
    bank('a certificate of another CA', 'client-cert.other-ca', 'otherCa', { says: /Insurance Root CA/ }),
    bank('another CA, with its intermediate', 'client-cert.other-ca', 'otherChain', { says: /Insurance/ }),
    bank('another CA, with all of its chain', 'client-cert.other-ca', 'otherWhole', { says: /Insurance/ }),
    bank('an intermediate of before the renewal sent', 'client-cert.intermediate-other', 'otherIntermediate', {
      says: /Bank Issuing CA 2/,
    }),
    bank('expired three days ago', 'client-cert.expired', 'expired', { says: /3 days ago/ }),
    bank('valid from the day after tomorrow', 'client-cert.not-yet', 'notYet'),
    bank('a certificate for servers', 'client-cert.server-certificate', 'forServers', { says: /clientAuth/ }),
    bank('a certificate for mail', 'client-cert.eku', 'otherUsage'),
    bank('a certificate without extended key usage', 'client-cert.no-eku', 'noUsage'),
    bank('revoked', 'client-cert.revoked', 'revoked', { to: 'revoking' }),
    bank('an intermediate that has expired', 'client-cert.chain-expired', 'chainEnded', { says: /Bank Issuing CA 1/ }),
    bank('a CA made anew under its old name', 'client-cert.ca-renewed', 'caRenewed'),
    bank('self-signed', 'client-cert.self-signed', 'self'),
    bank('a name that differs in a letter', 'client-cert.name-near', 'near', { says: /hook\.bank\.example/ }),
    bank('a subdomain of the listed name', 'client-cert.name-near', 'subdomain'),
    bank('the name in the CN alone', 'client-cert.common-name', 'commonName', { also: ['client-cert.name-near'] }),
    bank("another route's client", 'client-cert.other-route', 'neighbour', { says: /pay/ }),
    bank('a client that is not listed', 'client-cert.not-listed', 'stranger'),
    bank('one intermediate too many', 'client-cert.path-length', 'right', { path: '/direct' }),
    bank('a CA that the route does not list', 'client-cert.other-issuer', 'right', {
      path: '/named',
      says: /Bank Issuing/,
    }),
    ...KEPT.map(
      ([what, cause, client, says]): Request => ({
        ...bank(`${what}, explained from a downloaded capture`, cause, client, says === undefined ? {} : { says }),
        fromFile: true,
      }),
    ),
    bank('an intermediate not sent, that other clients send', 'client-cert.intermediate-missing', 'bare', {
      says: /Bank Issuing CA 3/,
    }),
  ],
})
