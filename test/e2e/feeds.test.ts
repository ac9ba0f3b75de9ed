import { afterEach, describe, expect, it } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function upstream(...given: Parameters<typeof startUpstream>): Promise<TestUpstream> {
  const started = await startUpstream(...given)
  closing.push(() => started.close())
  return started
}

const config = (crm: string, feed: string, also = ''): string => `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: kb
    match: { path: /kb }
    checks:
      - source-ip: { allow: [{ feed: ${feed}, select: "$.prefixes[*].cidr", every: 1h }${also}] }
    forward: { to: ${crm}/kb }
`

async function start(yaml: string): Promise<RunningGate> {
  const gate = await startGate(yaml)
  closing.push(() => gate.stop())
  return gate
}

const post = async (gate: RunningGate): Promise<number> => {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${gate.port('public')}/kb`, { method: 'POST', headers, body: '{}' })
  return answer.status
}

describe('a feed of networks', () => {
  it('is there for the first request, and its copy outlives its server across a reload', async () => {
    const crm = await upstream()
    const feed = await startUpstream((_req, res) => res.end('{"prefixes":[{"cidr":"127.0.0.0/8"}]}'))
    const gate = await start(config(crm.url, feed.url))
    expect(await post(gate)).toBe(200)
    expect(gate.lines).toContainEqual(
      expect.objectContaining({ msg: 'document fetched', document: `${feed.url}/`, route: 'kb', networks: 1 }),
    )
    await feed.close()
    expect(await gate.reload(config(crm.url, feed.url, ', 10.0.0.0/8'))).toMatchObject({ msg: 'reloaded' })
    expect(await post(gate)).toBe(200)
  })

  it('that can not be had lets the other networks in, and says so', async () => {
    const crm = await upstream()
    const gone = await startUpstream()
    await gone.close()
    const gate = await start(config(crm.url, gone.url, ', 127.0.0.0/8'))
    expect(await post(gate)).toBe(200)
    expect(gate.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        msg: 'document not refreshed',
        routes: ['kb'],
        'in-force': 'nobody is admitted by it',
      }),
    )
    expect(await gate.reload(config(crm.url, gone.url))).toMatchObject({ msg: 'reloaded' })
    expect(await post(gate)).toBe(403)
  })

  it('that does not answer delays the start by seconds at most', async () => {
    const crm = await upstream()
    const feed = await upstream(() => undefined)
    const before = performance.now()
    const gate = await start(config(crm.url, feed.url, ', 127.0.0.0/8'))
    expect(performance.now() - before).toBeLessThan(9_000)
    expect(await post(gate)).toBe(200)
  })
})
