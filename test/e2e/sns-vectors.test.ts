import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { snsCertificate, snsCertificateAt, snsNow, snsTopics, snsVectors } from '../signing/vectors-sns.ts'
import { ask } from '../support/client.ts'
import { type DocumentHost, startDocumentHost } from '../support/document-host.ts'
import { type FrozenGate, startFrozenGate } from '../support/frozen-gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

/** Messages that SNS itself has signed, through a whole gate at their time, under the certificate that SNS published. */

let upstream: TestUpstream
let host: DocumentHost
const gates: FrozenGate[] = []

beforeAll(async () => {
  upstream = await startUpstream()
  host = await startDocumentHost([snsCertificateAt.split('/', 1)[0] ?? ''], (_req, res) => res.end(snsCertificate))
})

afterAll(async () => {
  for (const gate of gates) await gate.close()
  await host.close()
  await upstream.close()
})

async function start(more = '', nowMs = snsNow): Promise<(message: object) => Promise<string>> {
  const gate = await startFrozenGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: sns
    match: { path: / }
    checks:
      - content-type: { accept: [text, json] }
      - signature: { provider: aws-sns, topic-arns: ${JSON.stringify(snsTopics)}${more} }
    forward: { to: "${upstream.url}/" }
`,
    {},
    nowMs,
    host.source,
  )
  gates.push(gate)
  return async message => {
    const headers = { 'content-type': 'text/plain; charset=UTF-8' }
    const reply = await ask({ port: gate.port('public'), path: '/', headers, body: JSON.stringify(message) })
    return reply.code === '' ? String(reply.status) : reply.code
  }
}

const [sha1, sha256] = snsVectors

describe('what SNS has signed', () => {
  it('is taken with SHA-256, and with SHA-1 where that is admitted', async () => {
    const send = await start()
    expect(await send(sha256)).toBe('200')
    expect(await send(sha1)).toBe('signature.malformed')
    const lenient = await start(', signature-versions: [1, 2]')
    expect(await lenient(sha1)).toBe('200')
    expect(await lenient(sha256)).toBe('200')
    expect(new Set(host.asked)).toEqual(new Set([snsCertificateAt]))
  })

  it('is refused with any signed member changed', async () => {
    const send = await start(', signature-versions: [1, 2]')
    for (const vector of snsVectors)
      for (const changes of [
        { Message: 'Hello worlds' },
        { MessageId: '792cda85-518f-5dd3-9163-81d851212f3b' },
        { Subject: 'x' },
        { Timestamp: '2022-07-28T21:24:08.325Z' },
        { TopicArn: snsTopics.find(topic => topic !== vector.TopicArn) },
      ])
        expect(await send({ ...vector, ...changes }), JSON.stringify(changes)).toBe('signature.mismatch')
  })

  it('is refused after its time, and after that of the certificate', async () => {
    expect(await (await start('', snsNow + 3_900_000))(sha256)).toBe('signature.expired')
    const later = await start(', tolerance: 999h', Date.parse('2022-08-18T00:00:00Z'))
    expect(await later(sha256)).toBe('signature.mismatch')
  })
})
