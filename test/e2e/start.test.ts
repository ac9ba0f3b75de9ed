import { rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { sallyport, startGate, tempFolder } from '../support/gate.ts'
import { signedBy, webhookSecret } from '../support/signed.ts'
import { startUpstream } from '../support/upstream.ts'

const SECRET = webhookSecret()
const route = (name: string, secret: string, to = 'http://127.0.0.1:9/in'): string => `
  - name: ${name}
    match: { path: /${name} }
    checks:
      - signature: { provider: standard-webhooks, secrets: [${secret}] }
    forward: { to: ${to} }
`
const config = (binds: readonly string[], routes: string): string =>
  `listeners:\n${binds.map((bind, i) => `  - { name: l${i}, bind: "${bind}" }\n`).join('')}routes:${routes}`
const GOOD = config(['127.0.0.1:0'], route('a', '{ env: SECRET }'))

describe('starting', () => {
  let folder = ''
  beforeEach(() => {
    folder = tempFolder()
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const run = (yaml: string, env: Readonly<Record<string, string>> = { SECRET }) => {
    const file = join(folder, 'gate.yaml')
    writeFileSync(file, yaml)
    return sallyport(['run', '--config', file, '--json'], env)
  }

  it('fails on a port that is taken, with a mend, and leaves nothing listening', async () => {
    const holder = createServer()
    await new Promise<void>(resolve => holder.listen(0, '127.0.0.1', resolve))
    const { port: taken } = holder.address() as AddressInfo
    const spare = createServer()
    await new Promise<void>(resolve => spare.listen(0, '127.0.0.1', resolve))
    const { port: free } = spare.address() as AddressInfo
    await new Promise(resolve => spare.close(resolve))
    try {
      const yaml = config([`127.0.0.1:${free}`, `127.0.0.1:${taken}`], route('a', '{ env: SECRET }'))
      const { code, stderr } = await run(yaml)
      expect(code).toBe(1)
      expect(stderr).toMatch(new RegExp(`EADDRINUSE.*${taken}`))
      expect(stderr).toMatch(/^mend: /m)
      const refused = await new Promise(resolve => {
        const probe = connect(free, '127.0.0.1')
        probe.on('connect', () => resolve(false)).on('error', () => resolve(true))
      })
      expect(refused).toBe(true)
    } finally {
      holder.close()
    }
  })

  it.each([
    ['an unknown key', GOOD.replace('forward:', 'foward:'), /gate\.yaml:\d+:\d+.*foward/],
    ['no YAML', 'listeners: [', /gate\.yaml:\d+:\d+/],
    [
      'TLS files that are not there',
      GOOD.replace(
        'bind: "127.0.0.1:0"',
        'bind: "127.0.0.1:0", tls: { certificates: [{ cert: no.crt, key: no.key }] }',
      ),
      /no\.crt/,
    ],
  ])('fails on %s before anything listens', async (_what, yaml, told) => {
    const { code, stdout, stderr } = await run(yaml)
    expect(code).toBe(1)
    expect(stderr).toMatch(told)
    expect(stderr).toMatch(/mend: /)
    expect(stdout).not.toContain('listening')
  })

  it('fails on a config file that is not there', async () => {
    const { code, stderr } = await sallyport(['run', '--config', join(folder, 'none.yaml')])
    expect(code).toBe(1)
    expect(stderr).toMatch(/none\.yaml/)
  })

  it('fails where Node was told to verify no certificates', async () => {
    const { code, stdout, stderr } = await run(GOOD, { SECRET, NODE_TLS_REJECT_UNAUTHORIZED: '0' })
    expect(code).toBe(1)
    expect(stderr).toMatch(/NODE_TLS_REJECT_UNAUTHORIZED/)
    expect(stderr).toMatch(/mend: /)
    expect(stdout).not.toContain('listening')
  })

  it('takes a route without its secret offline, and no other; it comes online with the secret', async () => {
    const upstream = await startUpstream()
    const to = `${upstream.url}/in`
    const yaml = config(
      ['127.0.0.1:0'],
      route('here', '{ env: SECRET }', to) + route('lacks', '{ file: late.secret }', to),
    )
    const gate = await startGate(yaml, { SECRET })
    const send = (path: string) =>
      ask({ port: gate.port('l0'), path, headers: signedBy('standard-webhooks', SECRET, '{}'), body: '{}' })
    try {
      expect(await gate.line(line => line.msg === 'route offline')).toMatchObject({ route: 'lacks' })
      expect(JSON.stringify(gate.lines)).toContain('late.secret')
      expect((await send('/here')).status).toBe(200)
      const offline = await send('/lacks')
      expect([offline.status, offline.code]).toEqual([503, 'route.offline'])
      expect(offline.headers['retry-after']).toBeDefined()
      expect(offline.body).not.toContain('late.secret')
      const reloaded = gate.next(line => line.msg === 'reloaded')
      writeFileSync(join(gate.folder, 'late.secret'), SECRET)
      await reloaded
      expect((await send('/lacks')).status).toBe(200)
      expect((await send('/here')).status).toBe(200)
      expect(upstream.received).toHaveLength(3)
    } finally {
      await upstream.close()
      expect(await gate.stop()).toBe(0)
    }
  })
})
