import { constants, createPrivateKey, sign } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { signature } from '../../src/checks/signature.ts'
import { frozenClock } from '../../src/core/clock.ts'
import type { Decision } from '../../src/core/decision.ts'
import { RemoteFault } from '../../src/core/remote.ts'
import { providerOf } from '../../src/signing/index.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { configOf, outcome, provider, type Sent } from '../checks/sent.ts'
import { compile, fakeRequest, fakeResources, NOW } from '../checks/testCheck.ts'
import { type Published, publish } from '../support/published.ts'

const RUNS = { numRuns: Number(process.env.SALLYPORT_MUTATION_RUNS ?? 50) }
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:crm-events'
const CERTIFICATE =
  'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem'
const BOTH = { ...configOf('aws-sns'), 'signature-versions': [1, 2] }

let own: Published
let other: Published
beforeAll(async () => {
  own = await publish({ dns: ['sns.amazonaws.com'] })
  other = await publish({ dns: ['sns.amazonaws.com'] })
})

type Members = Record<string, unknown>
const NOTIFICATION: Members = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: TOPIC,
  Subject: 'My First Message',
  Message: 'Hello world!\nGrüße 👋 "quoted" \\ and a tab\t',
  Timestamp: '2026-11-24T09:59:57.120Z',
}
const { Subject: _subject, ...WITHOUT_SUBJECT } = NOTIFICATION
const CONFIRMATION: Members = {
  Type: 'SubscriptionConfirmation',
  MessageId: '165545c9-2a5c-472c-8df2-7ff2be2b3b1b',
  Token: '2336412f37',
  TopicArn: TOPIC,
  Message: `You have chosen to subscribe to the topic ${TOPIC}.\nTo confirm the subscription, visit the SubscribeURL.`,
  SubscribeURL: `https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${TOPIC}&Token=2336412f37`,
  Timestamp: '2026-11-24T09:59:57.120Z',
}
const MESSAGES: readonly (readonly [string, Members])[] = [
  ['a notification', NOTIFICATION],
  ['a notification without a subject', WITHOUT_SUBJECT],
  ['a confirmation of a subscription', CONFIRMATION],
  ['a confirmation of its end', { ...CONFIRMATION, Type: 'UnsubscribeConfirmation' }],
]

/** As Amazon's page writes it down for each type: by hand, and not by the code that is tested. */
function asAmazonSigns(members: Members, version: 1 | 2, by = own): Members {
  const names =
    members.Type === 'Notification'
      ? ['Message', 'MessageId', ...('Subject' in members ? ['Subject'] : []), 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  const text = names.map(name => `${name}\n${members[name]}\n`).join('')
  return { ...members, ...signatureOf(text, version, by) }
}

function signatureOf(text: string, version: 1 | 2, by = own): Members {
  const key = createPrivateKey({ key: by.key, format: 'der', type: 'pkcs8' })
  const made = sign(version === 1 ? 'sha1' : 'sha256', Buffer.from(text), { key, padding: constants.RSA_PKCS1_PADDING })
  return { SignatureVersion: String(version), Signature: made.toString('base64'), SigningCertURL: CERTIFICATE }
}

function gate(document: string | RemoteFault = own.certificate, config: unknown = configOf('aws-sns'), nowMs = NOW) {
  const resources = fakeResources({ clock: frozenClock(nowMs), documents: { [CERTIFICATE]: document } })
  const check = compile(signature, config, resources)
  const ask = (sent: Sent): Decision => {
    const asked = fakeRequest(sent)
    const decision = check.foresee?.(asked, {}) ?? check.decide(asked, {})
    if (decision instanceof Promise) throw new Error('the fake answers at once')
    return decision
  }
  return { ask, resources }
}

const text = (members: Members | string): Sent => ({
  headers: { 'Content-Type': 'text/plain; charset=UTF-8' },
  body: typeof members === 'string' ? members : JSON.stringify(members, null, 2),
})

describe('the messages of SNS', () => {
  it.each(MESSAGES)('are taken as SHA-256 signs %s', (_, members) => {
    expect(gate().ask(text(asAmazonSigns(members, 2)))).toMatchObject({
      ok: true,
      facts: {
        principal: 'aws-sns',
        keyName: 'certificate',
        eventId: members.MessageId,
        // Published three seconds ago; a fraction more, and the second that timestamps are cut to.
        verifiesForMs: 65 * 60_000 - 2880 + 1000,
      },
    })
  })

  it.each(MESSAGES)('are taken as SHA-1 signs %s, where that is admitted alone', (_, members) => {
    const sent = text(asAmazonSigns(members, 1))
    expect(outcome(gate(own.certificate, BOTH).ask(sent))).toBe('ok')
    expect(gate().ask(sent)).toMatchObject({
      code: 'signature.malformed',
      evidence: { member: 'SignatureVersion', why: 'it is not 2, which signature-versions admits' },
    })
  })

  it('are not taken as the one version where the other signed', () => {
    for (const version of [1, 2] as const) {
      const sent = { ...asAmazonSigns(NOTIFICATION, version), SignatureVersion: String(3 - version) }
      expect(outcome(gate(own.certificate, BOTH).ask(text(sent)))).toBe('signature.mismatch')
    }
    for (const SignatureVersion of ['0', '3', '', '02', 2, null])
      expect(
        outcome(gate(own.certificate, BOTH).ask(text({ ...asAmazonSigns(NOTIFICATION, 2), SignatureVersion }))),
      ).toBe('signature.malformed')
  })

  it('are taken as this project signs them', () => {
    const message = { method: 'POST', url: 'https://x.example/', contentType: '', nowMs: NOW, id: 'b2384410-f8d2' }
    for (const body of ['any text\nof two lines', JSON.stringify(CONFIRMATION)])
      for (const [config, version] of [
        [configOf('aws-sns'), '2'],
        [{ ...BOTH, 'signature-versions': [1] }, '1'],
      ] as const) {
        const scheme = providerOf('aws-sns')?.settings?.scheme(config) ?? provider('aws-sns').scheme
        const made = signMessage(scheme, own.key, { ...message, body: Buffer.from(body) })
        expect(JSON.parse(made.body.toString())).toMatchObject({ SignatureVersion: version })
        expect(outcome(gate(own.certificate, config).ask({ headers: {}, body: made.body })), body).toBe('ok')
      }
  })

  it('are told from raw delivery, which has no signature', () => {
    const raw = { headers: { 'x-amz-sns-rawdelivery': 'true' }, body: '{"order":7}' }
    expect(gate().ask(raw)).toMatchObject({
      code: 'signature.missing',
      evidence: { why: 'raw message delivery sends no signature' },
    })
  })
})

describe('what is signed of a message', () => {
  it.each(MESSAGES)('is each member of %s, and no byte of any can change', (_, members) => {
    const { ask } = gate()
    const signed = asAmazonSigns(members, 2)
    for (const name of Object.keys(members)) {
      const value = String(members[name])
      for (let at = 0; at < value.length; at++) {
        const changed = `${value.slice(0, at)}${value[at] === '7' ? '8' : '7'}${value.slice(at + 1)}`
        expect(outcome(ask(text({ ...signed, [name]: changed }))), `${name} ${changed}`).toMatch(/^signature\./)
      }
    }
  })

  it.each(MESSAGES)('must be there, each member of %s once and as a text', (_, members) => {
    const { ask } = gate()
    const signed = asAmazonSigns(members, 2)
    for (const name of Object.keys(signed)) {
      const { [name]: value, ...rest } = signed
      expect(outcome(ask(text(rest))), name).toMatch(
        name === 'Subject'
          ? /^signature\.mismatch$/
          : name === 'Type'
            ? /^signature\.malformed$/
            : /^signature\.missing$/,
      )
      for (const bad of [null, 7, true, [value], { value }])
        expect(outcome(ask(text({ ...rest, [name]: bad }))), name).toBe('signature.malformed')
      const twice = JSON.stringify(signed).replace('{', `{${JSON.stringify(name)}:"another",`)
      expect(outcome(ask(text(twice))), name).toBe('signature.malformed')
    }
  })

  it('is nothing of UnsubscribeURL and MessageAttributes', () => {
    const more = {
      UnsubscribeURL: 'https://anywhere.example/',
      MessageAttributes: { a: { Type: 'String', Value: 'b' } },
    }
    expect(outcome(gate().ask(text({ ...asAmazonSigns(NOTIFICATION, 2), ...more })))).toBe('ok')
  })

  it.each([
    ['SubscribeURL', NOTIFICATION],
    ['Token', NOTIFICATION],
    ['Subject', CONFIRMATION],
  ])('is no %s of another type, which is refused', (name, members) => {
    expect(gate().ask(text({ ...asAmazonSigns(members, 2), [name]: 'x' }))).toMatchObject({
      code: 'signature.malformed',
      evidence: { member: name },
    })
  })

  // One signed text, read as two messages: the published one has the names of members in the lines of its Message.
  it('has one reading: no member but Message holds a line break', () => {
    const published = {
      ...WITHOUT_SUBJECT,
      Message: 'harmless\nMessageId\nchosen-by-a-stranger\nSubject\nlines',
    }
    const signed = asAmazonSigns(published, 2)
    expect(outcome(gate().ask(text(signed)))).toBe('ok')
    const reread = {
      ...signed,
      Message: 'harmless',
      MessageId: 'chosen-by-a-stranger',
      Subject: `lines\nMessageId\n${WITHOUT_SUBJECT.MessageId}`,
    }
    const lines = (members: Members) =>
      ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
        .filter(name => name in members)
        .map(name => `${name}\n${Reflect.get(members, name)}\n`)
        .join('')
    expect(lines(reread), 'the very text that was signed').toBe(lines(signed))
    expect(gate().ask(text(reread))).toMatchObject({ code: 'signature.malformed', evidence: { member: 'Subject' } })
  })

  it.each(['\n', '\r', '\u0000', '\u007f', '\u0085'])('takes no %j in a member but Message', control => {
    for (const [, members] of MESSAGES)
      for (const name of Object.keys(members).filter(one => one !== 'Message' && one !== 'Type')) {
        const signed = asAmazonSigns({ ...members, [name]: `${members[name]}${control}` }, 2)
        expect(gate().ask(text(signed)), name).toMatchObject({
          code: 'signature.malformed',
          evidence: { member: name },
        })
      }
  })

  it('takes no half of a character, which is written as every other', () => {
    const signed = asAmazonSigns({ ...NOTIFICATION, Message: '\ufffd' }, 2)
    expect(outcome(gate().ask(text(signed)))).toBe('ok')
    expect(outcome(gate().ask(text({ ...signed, Message: '\ud800' })))).toBe('signature.malformed')
  })
})

describe('a message of SNS is refused', () => {
  it('by another certificate, or another topic', () => {
    expect(outcome(gate(other.certificate).ask(text(asAmazonSigns(NOTIFICATION, 2))))).toBe('signature.mismatch')
    const { ask, resources } = gate()
    const elsewhere = asAmazonSigns({ ...NOTIFICATION, TopicArn: `${TOPIC}-of-another` }, 2)
    expect(ask(text(elsewhere))).toMatchObject({
      code: 'signature.mismatch',
      evidence: { why: 'the topic is not in topic-arns', topic: `${TOPIC}-of-another` },
    })
    expect(resources.fetches).toEqual([])
  })

  it('before and after its time, give or take 65 minutes', () => {
    const published = Date.parse('2026-11-24T09:59:57.120Z')
    const sent = text(asAmazonSigns(NOTIFICATION, 2))
    for (const [skew, expected] of [
      [3_900_000, 'ok'],
      [-3_900_000, 'ok'],
      [3_900_001, 'signature.expired'],
      [-3_900_001, 'signature.expired'],
    ] as const)
      expect(outcome(gate(own.certificate, configOf('aws-sns'), published + skew).ask(sent)), String(skew)).toBe(
        expected,
      )
    const strict = { ...configOf('aws-sns'), tolerance: '1s' }
    expect(outcome(gate(own.certificate, strict).ask(sent))).toBe('signature.expired')
  })

  it.each([
    'http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com.cn/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem',
    'https://user@sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com:443/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com/bucket/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-/../1.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-..pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem?x=.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem#.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem ',
    'https://SNS.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://s3.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem\n',
  ])('and its certificate never asked for at %s', SigningCertURL => {
    const { ask, resources } = gate()
    resources.documents.set(SigningCertURL, own.certificate)
    expect(outcome(ask(text({ ...asAmazonSigns(NOTIFICATION, 2), SigningCertURL })))).toBe('signature.malformed')
    expect(resources.fetches).toEqual([])
  })

  it('with a certificate of another name, a weak key, or none', async () => {
    for (const document of [
      (await publish({ dns: ['sns.amazonaws.com.evil.example'] })).certificate,
      (await publish({ dns: ['evilsns.amazonaws.com', 'sns.s3.eu-central-1.amazonaws.com'] })).certificate,
      (await publish({ dns: ['sns.amazonaws.com'], bits: 1024 })).certificate,
      'no certificate',
      new RemoteFault('answered 500', 'x'),
    ])
      expect(outcome(gate(document).ask(text(asAmazonSigns(NOTIFICATION, 2))))).toBe('signature.unavailable')
  })

  it.each([
    'sns.eu-central-1.amazonaws.com',
    'sns-signing.af-south-1.amazonaws.com',
    'sns-us-gov-west-1.amazonaws.com',
    'sns-cn-north-1.amazonaws.com.cn',
  ])('unless its certificate is of a name that SNS uses, as %s', async name => {
    const published = await publish({ dns: [name] })
    expect(outcome(gate(published.certificate).ask(text(asAmazonSigns(NOTIFICATION, 2, published))))).toBe('ok')
  })

  it('outside the dates of its certificate', async () => {
    const published = await publish({ dns: ['sns.amazonaws.com'], from: NOW - 2000, to: NOW - 1000 })
    expect(gate(published.certificate).ask(text(asAmazonSigns(NOTIFICATION, 2, published)))).toMatchObject({
      code: 'signature.mismatch',
      evidence: { why: 'the certificate is not valid at this time' },
    })
  })

  it('where the certificate came later than its time was over', async () => {
    const resources = fakeResources({ documents: { [CERTIFICATE]: own.certificate } })
    const slow: typeof resources.remoteSet = options => {
      const set = resources.remoteSet(options)
      return { get: async url => set.get(url) }
    }
    const check = compile(signature, configOf('aws-sns'), { ...resources, remoteSet: slow })
    const request = fakeRequest(text(asAmazonSigns(NOTIFICATION, 2)))
    expect(outcome(await check.decide(request, {}))).toBe('ok')
    const late = check.decide(request, {})
    resources.clock.advance(3_900_000)
    expect(outcome(await late)).toBe('signature.expired')
  })

  it('with any byte of the body changed that is signed', () => {
    const { ask } = gate()
    const members = asAmazonSigns(NOTIFICATION, 2)
    const body = Buffer.from(JSON.stringify(members))
    fc.assert(
      fc.property(fc.nat(body.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(body)
        changed[at] = (changed[at] ?? 0) ^ mask
        if (reads(changed, members)) return
        expect(outcome(ask({ headers: {}, body: changed }))).toMatch(/^signature\./)
      }),
      RUNS,
    )
  })

  it('and nothing thrown, whatever the body is', () => {
    const { ask } = gate()
    const member = fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.constant('a'.repeat(65_536)))
    const names = Object.keys(asAmazonSigns(NOTIFICATION, 2))
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          fc
            .record(Object.fromEntries(names.map(name => [name, member])), { requiredKeys: [] })
            .map(one => JSON.stringify(one)),
        ),
        body => {
          expect(outcome(ask({ headers: {}, body }))).toMatch(/^signature\./)
        },
      ),
      RUNS,
    )
  })
})

/** Whether the bytes are the same message still: a letter's escape, say, may change its case. */
function reads(body: Buffer, members: Members): boolean {
  try {
    expect(JSON.parse(body.toString())).toEqual(members)
    return true
  } catch {
    return false
  }
}

describe('the config of SNS', () => {
  const problems = (more: object) => signature.config.safeParse({ provider: 'aws-sns', ...more }).success
  it('names topics', () => {
    expect(problems({ 'topic-arns': [TOPIC] })).toBe(true)
    expect(problems({})).toBe(false)
    for (const topics of [
      [],
      [''],
      ['*'],
      [`${TOPIC}*`],
      ['arn:aws:sqs:eu-central-1:123456789012:crm'],
      [`${TOPIC}\n`],
    ])
      expect(problems({ 'topic-arns': topics }), String(topics)).toBe(false)
  })
  it('admits versions 1 and 2 alone', () => {
    expect(problems({ 'topic-arns': [TOPIC], 'signature-versions': [1, 2] })).toBe(true)
    for (const versions of [[], [3], ['1'], 1])
      expect(problems({ 'topic-arns': [TOPIC], 'signature-versions': versions })).toBe(false)
  })
})
