import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Provider } from '../../src/signing/provider.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { provider } from '../checks/sent.ts'
import { ask } from '../support/client.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { type FrozenGate, startFrozenGate } from '../support/frozen-gate.ts'
import { type Published, publish, publishChain } from '../support/published.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

/** Services that publish the certificate that they sign with: through a whole gate, which fetches it over TLS. */

const NOW = Date.now()
const SNS_HOST = 'sns.eu-central-1.amazonaws.com'
const PAYPAL_HOST = 'api.paypal.com'
const TOPIC = 'arn:aws:sns:eu-central-1:123456789012:crm-events'
const JSON_TYPE = 'application/json'
const TEXT = 'text/plain; charset=UTF-8'

let upstream: TestUpstream
let host: DocumentHost
let paypal: Published
let sns: Published
let gate: FrozenGate
let status = 200

beforeAll(async () => {
  upstream = await startUpstream()
  paypal = await publishChain(['messageverificationcerts.paypal.com'])
  sns = await publish({ dns: ['sns.amazonaws.com'] })
  host = await startDocumentHost([SNS_HOST, PAYPAL_HOST], (req, res) => {
    res.writeHead(status).end(req.headers.host === PAYPAL_HOST ? paypal.certificate : sns.certificate)
  })
  gate = await startFrozenGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: paypal
    match: { path: /paypal }
    checks:
      - signature: { provider: paypal, webhook-id: "0FV983392A0531201" }
      - replay: {}
    forward: { to: "${upstream.url}/paypal" }
  - name: sns
    match: { path: /sns }
    checks:
      - content-type: { accept: [text, json] }
      - signature: { provider: aws-sns, topic-arns: ["${TOPIC}"] }
      - replay: {}
    forward: { to: "${upstream.url}/sns" }
  - name: sns-sha1
    match: { path: /sns-sha1 }
    checks:
      - content-type: { accept: [text, json] }
      - signature: { provider: aws-sns, topic-arns: ["${TOPIC}"], signature-versions: [1, 2] }
    forward: { to: "${upstream.url}/sns" }
`,
    {},
    NOW,
    host.source,
  )
}, 30_000)

afterAll(async () => {
  await gate.close()
  await host.close()
  await upstream.close()
})

beforeEach(() => {
  upstream.received.length = 0
  host.asked.length = 0
  status = 200
})

interface Delivery {
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

async function send({ path, headers, body }: Delivery) {
  const { status: answered, code, headers: reply } = await ask({ port: gate.port('public'), path, headers, body })
  return { status: answered, code, duplicate: reply['sallyport-duplicate'] === 'true' }
}

const ACCEPTED = { status: 200, code: '', duplicate: false }
let count = 0

function deliver(by: Provider, key: Buffer, path: string, type: string, body: string | object): Delivery {
  const message = {
    method: 'POST',
    url: `https://hooks.example.com${path}`,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
    contentType: type,
    nowMs: NOW,
    id: `b2384410-f8d2-${++count}`,
  }
  const signed = signMessage(by.scheme, key, message)
  return { path, headers: { 'content-type': type, ...Object.fromEntries(signed.headers) }, body: signed.body }
}

const flipped = (body: Buffer, at: number): Buffer => {
  const bytes = Buffer.from(body)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return bytes
}

describe('PayPal', () => {
  const event = () => ({ id: `WH-${count}`, event_type: 'PAYMENT.SALE.COMPLETED', amount: '7.47' })
  const paid = () => deliver(provider('paypal'), paypal.key, '/paypal', JSON_TYPE, event())

  it('is taken under a chain of two certificates, which is fetched once', async () => {
    const first = paid()
    expect(await send(first)).toEqual(ACCEPTED)
    expect(await send(first)).toEqual({ ...ACCEPTED, duplicate: true })
    expect(await send(paid())).toEqual(ACCEPTED)
    expect(upstream.received.map(({ body }) => body.toString())[0]).toBe(first.body.toString())
    expect(upstream.received).toHaveLength(2)
    expect(host.asked).toEqual([`${PAYPAL_HOST}/v1/notifications/certs/CERT-360caa42-fca2a594-1d93a270`])
  })

  it('is refused with a changed body, and signed by another key', async () => {
    const { body, ...rest } = paid()
    expect(await send({ ...rest, body: flipped(body, body.length - 3) })).toMatchObject({ code: 'signature.mismatch' })
    const forged = deliver(provider('paypal'), sns.key, '/paypal', JSON_TYPE, event())
    expect(await send(forged)).toMatchObject({ status: 401, code: 'signature.mismatch' })
    expect(upstream.received).toEqual([])
  })
})

describe('Amazon SNS', () => {
  const SUBSCRIPTION = {
    Type: 'SubscriptionConfirmation',
    Token: '2336412f37',
    Message: 'You have chosen to subscribe.\nVisit the SubscribeURL.',
    SubscribeURL: `https://${SNS_HOST}/?Action=ConfirmSubscription&Token=2336412f37`,
  }
  const published = (type: string, body: string | object = 'an order\nof two lines', key = sns.key) =>
    deliver(provider('aws-sns'), key, '/sns', type, body)

  // First: no copy of the certificate is there yet.
  it('is answered 503 while its certificate can not be fetched, so that it is sent again', async () => {
    status = 500
    const delivery = published(TEXT)
    const other = deliver(provider('aws-sns'), sns.key, '/sns-sha1', TEXT, 'x')
    expect(await send(other)).toEqual({ status: 503, code: 'signature.unavailable', duplicate: false })
    status = 200
    expect(await send(delivery), 'another route asks for itself').toEqual(ACCEPTED)
  })

  it('is passed on as text: one JSON string of its JSON', async () => {
    const delivery = published(TEXT)
    expect(await send(delivery)).toEqual(ACCEPTED)
    expect(await send(delivery)).toEqual({ ...ACCEPTED, duplicate: true })
    const [arrived] = upstream.received
    expect(JSON.parse(arrived?.body.toString() ?? '')).toBe(delivery.body.toString())
    expect(arrived?.headers['sallyport-event-id']).toBe(JSON.parse(delivery.body.toString()).MessageId)
    expect(upstream.received).toHaveLength(1)
  })

  it('is passed on as the object that it is, where the delivery policy says JSON', async () => {
    const delivery = published(JSON_TYPE)
    expect(await send(delivery)).toEqual(ACCEPTED)
    expect(upstream.received[0]?.body.toString()).toBe(delivery.body.toString())
  })

  it('confirms a subscription at the upstream alone: the gate fetches no SubscribeURL', async () => {
    expect(await send(published(TEXT, SUBSCRIPTION))).toEqual(ACCEPTED)
    expect(JSON.parse(JSON.parse(upstream.received[0]?.body.toString() ?? ''))).toMatchObject(SUBSCRIPTION)
    expect(host.asked.filter(url => !url.startsWith(`${SNS_HOST}/SimpleNotificationService-`))).toEqual([])
  })

  it('is refused with any one byte changed that is signed, and signed by another key', async () => {
    const { body, ...rest } = published(TEXT)
    const text = body.toString()
    const places = ['an order', 'b2384410', '"Notification"', 'crm-events'].map(part => text.indexOf(part) + 1)
    for (const at of places)
      expect(await send({ ...rest, body: flipped(body, at) }), text.slice(at, at + 9)).toMatchObject({ status: 401 })
    expect(await send(published(TEXT, 'x', paypal.key))).toMatchObject({ status: 401, code: 'signature.mismatch' })
    const twice = Buffer.from(text.replace('{', '{"Message":"another",'))
    expect(await send({ ...rest, body: twice })).toMatchObject({ status: 401, code: 'signature.malformed' })
    expect(upstream.received).toEqual([])
  })
})
