import { afterEach, describe, expect, it } from 'vitest'
import { startGate } from '../support/gate.ts'
import { startUpstream } from '../support/upstream.ts'

const close: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const each of close.splice(0)) await each()
})

describe('a gate with all the work that it takes', () => {
  it('refuses one more request at once, and takes it when there is room', async () => {
    const waiting: (() => void)[] = []
    const upstream = await startUpstream((_req, res) => waiting.push(() => res.end('{}')))
    const gate = await startGate(`
listeners:
  - { name: public, bind: "127.0.0.1:0", limits: { requests: 2 } }
routes:
  - name: x
    match: { path: /x }
    checks: [ source-ip: { allow: [127.0.0.0/8] } ]
    forward: { to: ${upstream.url}/x }
`)
    close.push(
      () => gate.stop(),
      () => upstream.close(),
    )
    const url = `http://127.0.0.1:${gate.port('public')}/x`
    const post = () => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' })

    const first = [post(), post()]
    while (waiting.length < 2) await new Promise(resolve => setTimeout(resolve, 10))
    const refused = await post()
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('1')
    expect(await refused.json()).toMatchObject({ code: 'gateway.overloaded' })
    expect(upstream.received.length).toBe(2)

    for (const answer of waiting.splice(0)) answer()
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
    const after = post()
    while (waiting.length < 1) await new Promise(resolve => setTimeout(resolve, 10))
    for (const answer of waiting.splice(0)) answer()
    expect((await after).status).toBe(200)
  })
})
