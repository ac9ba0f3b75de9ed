import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ClientCertificate } from '../../src/core/client-certificate.ts'
import { readCertificate } from '../../src/tls/certificate.ts'
import { verifyClientChain } from '../../src/tls/chain.ts'
import { clientCertificateOf } from '../../src/tls/identity.ts'
import { peculiar } from '../../src/tls/peculiar.ts'
import { decodePem } from '../../src/tls/pem.ts'
import { loadServerTls } from '../../src/tls/server.ts'
import { loadClientTrust } from '../../src/tls/trust.ts'
import { Verdicts } from '../../src/tls/verdicts.ts'
import { CLIENT_AUTH, type Craft, type Crafted, craft, craftCrl, DAY, SERVER_AUTH, temporaryFolder } from './craft.ts'
import { curl, openGate } from './gate.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())

let server: Crafted
let root: Crafted
let stranger: Crafted
const file = (name: string) => `${folder.path}/${name}`

beforeAll(async () => {
  server = await craft({ subject: 'CN=gate', usage: [SERVER_AUTH], dns: ['localhost'] })
  root = await craft({ subject: 'CN=Clients root', ca: true })
  stranger = await craft({ subject: 'CN=Stranger root', ca: true })
  folder.write('server.crt', server.certificate)
  folder.write('server.key', server.key)
  folder.write('root.crt', root.certificate)
})

let number = 0
const derOf = ({ certificate }: Crafted) => decodePem(certificate)[0]?.der ?? Buffer.alloc(0)

/** What the gate makes of a client that comes with `client`, sending `chain` after it. */
async function meet(
  client: Crafted | undefined,
  options: { chain?: readonly Crafted[]; ca?: string; crl?: string; version?: readonly string[] } = {},
): Promise<{ status: string; peer: ClientCertificate | undefined }> {
  const n = String(number++)
  const ca = folder.write(`ca-${n}.crt`, options.ca ?? root.certificate)
  const crl = options.crl === undefined ? {} : { 'client-crl': folder.write(`crl-${n}.crl`, options.crl) }
  await using gate = await openGate({
    certificates: [{ cert: file('server.crt'), key: file('server.key') }],
    'client-ca': ca,
    ...crl,
  })
  const args = [...(options.version ?? [])]
  if (client !== undefined) {
    const sent = [client, ...(options.chain ?? [])].map(({ certificate }) => certificate).join('')
    args.push('--cert', folder.write(`client-${n}.crt`, sent), '--key', folder.write(`client-${n}.key`, client.key))
  }
  const answer = await curl(gate, args)
  expect(answer.stderr).toBe('')
  expect(gate.peers).toHaveLength(1)
  return { status: answer.stdout, peer: gate.peers[0] }
}

const client = (options: Partial<Craft> = {}) =>
  craft({ subject: 'CN=client', issuer: root, dns: ['a.example'], ...options })

const trustOf = (root: Crafted, crl?: string) =>
  loadClientTrust(
    {
      ca: { path: 'ca.crt', pem: Buffer.from(root.certificate) },
      ...(crl === undefined ? {} : { crls: [{ path: 'ca.crl', read: () => Buffer.from(crl) }] }),
    },
    Date.now(),
  )

const intermediate = (subject: string, issuer: Crafted) => craft({ subject, issuer, ca: true })

describe('a client certificate', () => {
  it.each([[['--tlsv1.2', '--tls-max', '1.2']], [['--tlsv1.3']]])(
    'of our CA is verified and read (%s)',
    async version => {
      const { peer } = await meet(await client({ dns: ['A.Example', '*.b.example'] }), { version })
      expect(peer).toMatchObject({
        verified: true,
        subject: 'CN=client',
        issuer: 'CN=Clients root',
        dns: ['a.example', '*.b.example'],
        extendedKeyUsage: [CLIENT_AUTH],
        chain: [],
      })
      expect(peer?.problem).toBeUndefined()
      expect(peer?.fingerprint).toMatch(/^[0-9a-f]{64}$/)
    },
  )

  it('that was not sent is none, and the request goes on', async () => {
    expect(await meet(undefined)).toEqual({ status: '200', peer: undefined })
  })

  it.each<[string, () => Promise<Crafted>, RegExp]>([
    ['of a foreign CA', () => client({ issuer: stranger }), /issuer, CN=Stranger root, is not in client-ca/],
    ['that is self-signed', () => craft({ subject: 'CN=me' }), /issuer, CN=me, is not in client-ca/],
    ["self-signed under our CA's name", () => craft({ subject: 'CN=Clients root' }), /not signed by a CA of that name/],
    ['that has expired', () => client({ notAfter: Date.now() - 60_000 }), /has expired at \d{4}-/],
    ['that is not valid yet', () => client({ notBefore: Date.now() + DAY }), /is not valid before \d{4}-/],
    ['for servers', () => client({ usage: [SERVER_AUTH] }), /not for client authentication/],
  ])('%s is not verified, and the request goes on', async (_, make, problem) => {
    const { status, peer } = await meet(await make())
    expect(status).toBe('200')
    expect(peer?.verified).toBe(false)
    expect(peer?.problem).toMatch(problem)
  })

  it("signed by another key than our CA's is never verified", async () => {
    const forged = await client({ signer: stranger })
    const verdict = verifyClientChain(
      readCertificate(derOf(forged)),
      [],
      loadClientTrust({ ca: { path: 'ca.crt', pem: Buffer.from(root.certificate) } }, Date.now()),
      Date.now(),
    )
    expect(verdict).toMatchObject({ ok: false, problem: expect.stringMatching(/is not signed by a CA of that name/) })
    // The TLS library may end such a connection itself, depending on how its bytes arrive.
    await using gate = await openGate({
      certificates: [{ cert: file('server.crt'), key: file('server.key') }],
      'client-ca': file('root.crt'),
    })
    const args = ['--cert', folder.write('f.crt', forged.certificate), '--key', folder.write('f.key', forged.key)]
    for (let attempt = 0; attempt < 4; attempt += 1) await curl(gate, args)
    expect(gate.peers.filter(peer => peer?.verified !== false)).toEqual([])
  })

  it('without extended key usage is verified, and says that it has none', async () => {
    const { peer } = await meet(await client({ usage: undefined }))
    expect(peer).toMatchObject({ verified: true, extendedKeyUsage: undefined })
  })

  it('over intermediates that were sent in another order, among others, is verified', async () => {
    const [upper, other] = [await intermediate('CN=Upper', root), await intermediate('CN=Other', root)]
    const lower = await intermediate('CN=Lower', upper)
    const { peer } = await meet(await client({ issuer: lower }), { chain: [other, upper, lower] })
    expect(peer).toMatchObject({ verified: true, chain: [derOf(lower), derOf(upper)] })
  })

  it('over an intermediate that was sent is verified, and the chain is kept', async () => {
    const middle = await craft({ subject: 'CN=Middle', issuer: root, ca: true })
    const { peer } = await meet(await client({ issuer: middle }), { chain: [middle] })
    expect(peer).toMatchObject({ verified: true })
    expect(peer?.chain.map(der => der.toString('base64'))).toEqual([
      middle.certificate.split('\n').slice(1, -2).join(''),
    ])
  })

  it('over an intermediate that was not sent is not verified', async () => {
    const middle = await craft({ subject: 'CN=Middle', issuer: root, ca: true })
    const { peer } = await meet(await client({ issuer: middle }))
    expect(peer?.problem).toMatch(/issuer, CN=Middle, is not in client-ca, and no CA of that name was sent/)
  })

  it('under an intermediate that client-ca names alone is verified', async () => {
    const middle = await craft({ subject: 'CN=Middle', issuer: root, ca: true })
    expect((await meet(await client({ issuer: middle }), { ca: middle.certificate })).peer?.verified).toBe(true)
    // Its root is no anchor then.
    expect((await meet(await client(), { ca: middle.certificate })).peer?.verified).toBe(false)
  })

  it('signed by another client is not verified: a leaf is no CA', async () => {
    const leaf = await client()
    const { peer } = await meet(await client({ issuer: leaf, subject: 'CN=forged' }), { chain: [leaf] })
    expect(peer).toMatchObject({
      verified: false,
      problem: 'its issuer, CN=client, is no CA',
    })
  })

  it('that client-ca itself holds is no anchor', async () => {
    const leaf = await client()
    const { peer } = await meet(leaf, { ca: leaf.certificate })
    expect(peer?.verified).toBe(false)
  })

  it('below a longer chain than the CA allows is not verified', async () => {
    const short = await craft({ subject: 'CN=Short', ca: true, pathLength: 0 })
    const middle = await craft({ subject: 'CN=Middle', issuer: short, ca: true })
    const { peer } = await meet(await client({ issuer: middle }), { chain: [middle], ca: short.certificate })
    expect(peer?.problem).toBe('the chain is longer than CN=Short allows (path length 0)')
  })

  it('of an expired CA is not verified', async () => {
    const old = await craft({
      subject: 'CN=Old',
      ca: true,
      notBefore: Date.now() - 9 * DAY,
      notAfter: Date.now() - DAY,
    })
    const { peer } = await meet(await client({ issuer: old }), { ca: old.certificate })
    expect(peer?.problem).toMatch(/^its issuer, CN=Old, has expired/)
  })

  it('outside of the names that its CA may vouch for is not verified: the TLS library has to agree', async () => {
    const { Extension } = await peculiar()
    const permitted = Buffer.concat([Buffer.from('3012a010300e820c', 'hex'), Buffer.from('good.example')])
    const extra = [new Extension('2.5.29.30', true, new Uint8Array(permitted))]
    const bound = await craft({ subject: 'CN=Bound', ca: true, extra })
    const good = await meet(await client({ issuer: bound, dns: ['a.good.example'] }), { ca: bound.certificate })
    expect(good.peer?.verified).toBe(true)
    const { peer } = await meet(await client({ issuer: bound, dns: ['evil.example'] }), { ca: bound.certificate })
    expect(peer).toMatchObject({ verified: false, problem: expect.stringMatching(/^the TLS library does not accept/) })
  })

  it('with a critical extension that nobody knows is not verified', async () => {
    const { Extension } = await peculiar()
    const odd = new Extension('1.2.3.4', true, new Uint8Array([5, 0]))
    const { peer } = await meet(await client({ extra: [odd] }))
    expect(peer?.problem).toMatch(/critical extension that is not understood: 1\.2\.3\.4/)
  })

  it('with odd bytes in its names has only the sound ones', async () => {
    const { peer } = await meet(
      await client({ dns: ['bank.example\0.evil.example', 'ok.example', 'a b.example', 'x\n.example', '*'] }),
    )
    expect(peer).toMatchObject({ dns: ['ok.example'] })
  })

  it('shows control characters of its subject escaped', async () => {
    const { peer } = await meet(await client({ subject: 'CN=a\\0Ab' }))
    expect(peer?.subject).not.toContain('\n')
  })
})

describe('a verdict', () => {
  const read = (crafted: Crafted) => readCertificate(derOf(crafted))

  it('of our own does not lean on the TLS library to tell a leaf from a CA', async () => {
    const leaf = await client()
    const forged = await client({ issuer: leaf, subject: 'CN=forged' })
    const verdict = verifyClientChain(read(forged), [read(leaf)], trustOf(root), Date.now())
    expect(verdict).toEqual({ ok: false, problem: 'its issuer, CN=client, is no CA' })
  })

  it('counts signatures that a sender makes us check', async () => {
    const [one, two] = [await craft({ subject: 'CN=One', ca: true }), await craft({ subject: 'CN=Two', ca: true })]
    const cross = (of: Crafted, by: Crafted) =>
      Promise.all(Array.from({ length: 10 }, () => craft({ subject: of.subject, keys: of.keys, issuer: by, ca: true })))
    const sent = [...(await cross(one, two)), ...(await cross(two, one))]
    const leaf = await client({ issuer: one })
    const start = performance.now()
    const verdict = verifyClientChain(read(leaf), sent.map(read), trustOf(root), Date.now())
    expect(verdict.ok).toBe(false)
    expect(performance.now() - start).toBeLessThan(500)
  })

  it('ends with the CRL that it stands on, in the middle of a connection too', async () => {
    const trust = trustOf(root, await craftCrl(root))
    const leaf = await client()
    await using gate = await openGate({
      certificates: [{ cert: file('server.crt'), key: file('server.key') }],
      'client-ca': file('root.crt'),
    })
    const judged: (ClientCertificate | undefined)[] = []
    gate.server.on('secureConnection', socket => {
      const now = Date.now()
      for (const at of [now, now + 1000, now + 2 * DAY]) judged.push(clientCertificateOf(socket, trust, at))
    })
    await curl(gate, ['--cert', folder.write('m.crt', leaf.certificate), '--key', folder.write('m.key', leaf.key)])
    expect(judged.map(peer => peer?.verified)).toEqual([true, true, false])
    expect(judged[1]).toBe(judged[0])
    expect(judged[2]?.problem).toMatch(/the CRL of CN=Clients root has expired/)
  })

  it('is not taken from another connection by a reload that revokes', async () => {
    const leaf = await client()
    const pair = ['--cert', folder.write('v.crt', leaf.certificate), '--key', folder.write('v.key', leaf.key)]
    const files = {
      certificates: [{ cert: file('server.crt'), key: file('server.key') }],
      'client-ca': file('root.crt'),
    }
    const load = (crl: string) =>
      loadServerTls({ profile: 'intermediate', ...files, 'client-crl': folder.write('v.crl', crl) }, path =>
        readFileSync(path),
      )
    folder.write('v.crl', await craftCrl(root))
    await using gate = await openGate({ ...files, 'client-crl': file('v.crl') })
    for (let i = 0; i < 2; i++) await curl(gate, pair)
    gate.tls.update(load(await craftCrl(root, { revoked: [leaf.serial] })), gate.server)
    await curl(gate, pair)
    expect(gate.peers.map(peer => peer?.verified)).toEqual([true, true, false])
    // The second connection brought the first's chain, and was told the first's verdict.
    expect(gate.peers[1]).toBe(gate.peers[0])
    expect(gate.peers[2]?.problem).toMatch(/^the certificate was revoked at/)
  })

  it("is the gate's and the TLS library's together, on each connection", async () => {
    const leaf = await client()
    const trust = trustOf(root)
    const pair = ['--cert', folder.write('d.crt', leaf.certificate), '--key', folder.write('d.key', leaf.key)]
    const judged: (ClientCertificate | undefined)[] = []
    const certificates = [{ cert: file('server.crt'), key: file('server.key') }]
    // The second server's library does not know the CA: our own verdict, kept from the first, does not help its client.
    for (const ca of [root, stranger]) {
      await using gate = await openGate({ certificates, 'client-ca': folder.write('d-ca.crt', ca.certificate) })
      gate.server.on('secureConnection', socket => judged.push(clientCertificateOf(socket, trust)))
      await curl(gate, pair)
    }
    expect(judged.map(peer => peer?.verified)).toEqual([true, false])
    expect(judged[1]?.problem).toMatch(/^the TLS library does not accept the certificate/)
  })
})

describe('verdicts that are kept', () => {
  const now = Date.now()
  const judge = (verdicts: Verdicts, leaf: Crafted, at = now, sent: readonly Crafted[] = []) =>
    verdicts.judge(derOf(leaf), sent.map(derOf), at).certificate

  it('are those of the same bytes, chain included', async () => {
    const middle = await intermediate('CN=Middle', root)
    const leaf = await client({ issuer: middle })
    const verdicts = new Verdicts(trustOf(root), 'accepted')
    const first = judge(verdicts, leaf, now, [middle])
    expect(first.verified).toBe(true)
    expect(judge(verdicts, leaf, now, [middle])).toBe(first)
    expect(judge(verdicts, leaf)).toMatchObject({ verified: false })
    expect(judge(verdicts, await client({ issuer: middle }), now, [middle])).not.toBe(first)
  })

  it('are not those of refused certificates, unless it is wished', async () => {
    const foreign = await client({ issuer: stranger })
    const strict = new Verdicts(trustOf(root), 'accepted')
    expect(judge(strict, foreign)).not.toBe(judge(strict, foreign))
    const all = new Verdicts(trustOf(root), 'all')
    expect(judge(all, foreign)).toBe(judge(all, foreign))
    expect(judge(all, foreign).verified).toBe(false)
  })

  it('end when a certificate or CRL ends or a CRL begins, and when the clock is set back', async () => {
    const leaf = await client({ notAfter: now + 3 * DAY })
    const verdicts = new Verdicts(trustOf(root), 'accepted')
    const first = judge(verdicts, leaf)
    expect(judge(verdicts, leaf, now + 2 * DAY)).toBe(first)
    expect(judge(verdicts, leaf, now - 1000)).not.toBe(first)
    expect(judge(verdicts, leaf, now + 3 * DAY + 1000).verified).toBe(false)

    const [today, tomorrow] = [
      await craftCrl(root, { nextUpdate: now + 9 * DAY }),
      await craftCrl(root, { thisUpdate: now + DAY / 2, nextUpdate: now + 9 * DAY, revoked: [leaf.serial] }),
    ]
    const later = new Verdicts(trustOf(root, today + tomorrow), 'accepted')
    expect(judge(later, leaf).verified).toBe(true)
    expect(judge(later, leaf, now + DAY).problem).toMatch(/^the certificate was revoked at/)
  })
})

describe('a CRL', () => {
  it('lets through whom it does not name and refuses whom it names', async () => {
    const [good, bad] = [await client(), await client()]
    const crl = await craftCrl(root, { revoked: [bad.serial] })
    expect((await meet(good, { crl })).peer?.verified).toBe(true)
    expect((await meet(bad, { crl })).peer?.problem).toMatch(/^the certificate was revoked at \d{4}-/)
  })

  it.each<[string, () => Promise<string>, RegExp]>([
    [
      'that has expired',
      () => craftCrl(root, { nextUpdate: Date.now() - 60_000 }),
      /CRL of CN=Clients root has expired at/,
    ],
    ['of tomorrow', () => craftCrl(root, { thisUpdate: Date.now() + DAY / 2 }), /is not valid before/],
    ['of a foreign CA', () => craftCrl(stranger), /the CRL of CN=Clients root is missing/],
    [
      'that somebody else signed',
      () => craftCrl({ ...stranger, subject: root.subject }),
      /is not signed by the CA that it names/,
    ],
    ['that is none', async () => 'hello', /holds no CRL/],
    ['cut short', async () => (await craftCrl(root)).replace(/\n.{60}/, '\n'), /can not be read/],
    [
      'of a part of the certificates only',
      async () =>
        craftCrl(root, { extra: [new (await peculiar()).Extension('2.5.29.28', true, new Uint8Array([0x30, 0]))] }),
      /extensions that can't be honoured: 2\.5\.29\.28/,
    ],
  ])('%s refuses every client certificate, and nobody else', async (_, make, problem) => {
    const crl = await make()
    const { status, peer } = await meet(await client(), { crl })
    expect(status).toBe('200')
    expect(peer?.verified).toBe(false)
    expect(peer?.problem).toMatch(problem)
    expect(await meet(undefined, { crl })).toEqual({ status: '200', peer: undefined })
  })

  it('is demanded of every CA in the chain', async () => {
    const middle = await craft({ subject: 'CN=Middle', issuer: root, ca: true })
    const leaf = await client({ issuer: middle })
    const [top, below] = [await craftCrl(root), await craftCrl(middle)]
    expect((await meet(leaf, { chain: [middle], crl: top })).peer?.problem).toMatch(/CRL of CN=Middle is missing/)
    expect((await meet(leaf, { chain: [middle], crl: top + below })).peer?.verified).toBe(true)
    const revoked = await craftCrl(root, { revoked: [middle.serial] })
    expect((await meet(leaf, { chain: [middle], crl: revoked + below })).peer?.problem).toMatch(/revoked/)
  })

  it('that is missing is told at load and refuses', async () => {
    const leaf = await client()
    await using gate = await openGate({
      certificates: [{ cert: file('server.crt'), key: file('server.key') }],
      'client-ca': file('root.crt'),
      'client-crl': file('absent.crl'),
    })
    expect(gate.tls.warnings.join('\n')).toMatch(/absent\.crl can not be read .*every client certificate is refused/)
    const args = ['--cert', folder.write('x.crt', leaf.certificate), '--key', folder.write('x.key', leaf.key)]
    expect((await curl(gate, args)).stdout).toBe('200')
    expect(gate.peers[0]?.problem).toMatch(/whether it is revoked is unknown: the CRL .*absent\.crl can not be read/)
  })
})
