import { copyFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { Gateway } from '../../src/gateway/gateway.ts'
import { createLog } from '../../src/observe/log.ts'
import { createMetrics } from '../../src/observe/metrics.ts'
import { ask } from '../support/client.ts'
import { type LogLine, makeCertificates, tempFolder } from '../support/gate.ts'
import { startTlsReceiver } from '../support/tls-receiver.ts'
import { startUpstream } from '../support/upstream.ts'
import { openssl } from '../tls/craft.ts'

const KILLS = Number(process.env.SALLYPORT_KILLS ?? 3)
const WAIT = { timeout: 30_000, interval: 20 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  vi.restoreAllMocks()
})

/** The threads that run, as they come and go. */
function watchThreads(): ReadonlySet<Worker> {
  const threads = new Set<Worker>()
  const post = Worker.prototype.postMessage
  vi.spyOn(Worker.prototype, 'postMessage').mockImplementation(function (this: Worker, ...given) {
    threads.add(this)
    this.once('exit', () => threads.delete(this))
    return post.apply(this, given)
  })
  return threads
}

describe('workers', { timeout: 120_000 }, () => {
  it(`that end are replaced, take no other with them, and what they counted stays, ${KILLS} times`, async () => {
    const threads = watchThreads()
    const upstream = await startUpstream()
    closing.push(upstream.close)
    const folder = tempFolder()
    closing.push(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'gate.yaml')
    writeFileSync(
      file,
      `
workers: 2
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: a
    match: { path: /a }
    checks: [{ rate-limit: { rate: 40/h, burst: 40, by: source-ip } }]
    forward: { to: ${upstream.url}/a }
`,
    )
    const lines: LogLine[] = []
    const log = createLog({ destination: { write: text => lines.push(JSON.parse(text) as LogLine) } })
    const metrics = createMetrics({ version: '0.0.0' })
    const gateway = new Gateway({ file, env: {}, clock: systemClock, log, metrics })
    await gateway.start()
    closing.push(() => gateway.drain(0))
    const port = gateway.port('public')
    if (port === undefined) throw new Error('it does not listen')
    const headers = { 'content-type': 'application/json' }
    const send = () => ask({ port, path: '/a', headers, body: '{}' }).catch(() => undefined)
    const sendAll = async (count: number) => {
      const statuses = (await Promise.all(Array.from({ length: count }, send))).map(reply => reply?.status ?? 0)
      return { passed: statuses.filter(each => each === 200).length, lost: statuses.filter(each => each === 0).length }
    }

    let passed = (await sendAll(10)).passed
    expect(passed).toBe(10)
    for (let kill = 1; kill <= KILLS; kill++) {
      const [first] = [...threads]
      expect(threads.size).toBe(2)
      // What one counts in its last tenth of a second goes with it.
      await gateway.sync()
      await first?.terminate()
      await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'worker replaced').length).toBe(kill), WAIT)
      expect(gateway.workers).toEqual({ running: 2, ended: kill })
      const sent = await sendAll(5)
      expect(sent.lost).toBe(0)
      passed += sent.passed
    }
    expect(passed).toBe(10 + 5 * KILLS)
    // The limit is of the route, whoever has counted: what the dead took is taken.
    passed += (await sendAll(60)).passed
    expect(passed).toBe(40)
    expect(await metrics.render()).toContain('sallyport_requests_total{route="a",outcome="forwarded",code=""} 40')
  })

  it('that take the place of others go on with what is kept of a bridge whose files do not fit', async () => {
    const threads = watchThreads()
    const folder = tempFolder()
    closing.push(() => rmSync(folder, { recursive: true, force: true }))
    await makeCertificates(folder)
    const upstream = await startTlsReceiver(folder)
    closing.push(() => upstream.close())
    const bundle = ['-in', join(folder, 'bridge.crt'), '-inkey', join(folder, 'bridge.key'), '-passout', 'pass:word']
    await openssl(['pkcs12', '-export', ...bundle, '-out', join(folder, 'bridge.p12')])
    const file = join(folder, 'gate.yaml')
    const route = (name: string, certificate: string): string => `
  - name: ${name}
    match: { path: /${name} }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: ${upstream.url}/${name}, tls: { certificate: ${certificate}, ca: ca.crt } }`
    writeFileSync(
      file,
      `workers: 2
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:${route('files', '{ cert: bridge.crt, key: bridge.key }')}${route('bundle', '{ pkcs12: bridge.p12, passphrase: { env: WORD } }')}
`,
    )
    const lines: LogLine[] = []
    const log = createLog({ destination: { write: text => lines.push(JSON.parse(text) as LogLine) } })
    const metrics = createMetrics({ version: '0.0.0' })
    const gateway = new Gateway({ file, env: { WORD: 'word' }, clock: systemClock, log, metrics })
    await gateway.start()
    closing.push(() => gateway.drain(0))
    copyFileSync(join(folder, 'client.key'), join(folder, 'bridge.key'))
    writeFileSync(join(folder, 'bridge.p12'), 'no bundle')
    expect(await gateway.reload()).toBe(true)
    expect(lines.filter(({ msg }) => msg === 'tls kept').map(line => line.route)).toEqual(['files', 'bundle'])
    for (const [index, thread] of [...threads].entries()) {
      await thread.terminate()
      await vi.waitFor(() => expect(lines.filter(({ msg }) => msg === 'worker replaced').length).toBe(index + 1), WAIT)
    }
    const port = gateway.port('public')
    if (port === undefined) throw new Error('it does not listen')
    const headers = { 'content-type': 'application/json' }
    for (const path of ['/files', '/bundle'])
      for (let sent = 0; sent < 10; sent++) expect((await ask({ port, path, headers, body: '{}' })).status).toBe(200)
    expect(new Set(upstream.received.map(({ client }) => client))).toEqual(new Set(['bridge']))
    expect(upstream.received).toHaveLength(20)
  })
})
