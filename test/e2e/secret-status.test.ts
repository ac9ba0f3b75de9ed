import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type RunningGate, sallyport, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const ENV = { ADMIN_TOKEN: 'the-admin-token', KB_TOKEN: 'the-token-of-kb' }
let crm: TestUpstream
let gate: RunningGate
let url: string
let admin: number

beforeEach(async () => {
  crm = await startUpstream()
  admin = await freePort()
  const folder = tempFolder()
  writeFileSync(join(folder, 'new.secret'), 'the-new-secret')
  writeFileSync(join(folder, 'old.secret'), 'the-old-secret')
  gate = await startGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:${admin}", token: { env: ADMIN_TOKEN } }
routes:
  - name: github
    match: { path: /github }
    checks:
      - signature: { provider: github, secrets: [{ file: new.secret }, { name: old, file: old.secret, expires: 2099-12-31 }] }
    forward: { to: ${crm.url}/github }
  - name: kb
    match: { path: /kb }
    checks: [{ bearer: { tokens: [{ name: kb-sync, env: KB_TOKEN }] } }]
    forward: { to: ${crm.url}/kb }
`,
    ENV,
    folder,
    2,
  )
  url = `http://127.0.0.1:${gate.port('public')}`
})

afterEach(async () => {
  await gate.stop()
  await crm.close()
})

const signed = (secret: string) =>
  fetch(`${url}/github`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-hub-signature-256': `sha256=${createHmac('sha256', secret).update('{}').digest('hex')}`,
    },
    body: '{}',
  }).then(({ status }) => status)

const ask = (...args: string[]) => sallyport(['secret', 'status', ...args], ENV, gate.folder)

describe('sallyport secret status', () => {
  it('tells of every secret of a running gate whether it is used', async () => {
    expect([await signed('the-old-secret'), await signed('the-old-secret'), await signed('wrong')]).toEqual([
      200, 200, 401,
    ])
    const { code, stdout, stderr } = await ask('--config', 'gate.yaml', '--json')
    expect([code, stderr]).toEqual([0, ''])
    const report = JSON.parse(stdout) as { secrets: Record<string, unknown>[] }
    expect(report.secrets).toMatchObject([
      { route: 'github', check: 'signature', name: 'current', state: 'unused', uses: 0, 'last-used': null },
      {
        route: 'github',
        check: 'signature',
        name: 'old',
        state: 'in-use',
        uses: 2,
        expires: '2099-12-31T23:59:59.999Z',
      },
      { route: 'kb', check: 'bearer', name: 'kb-sync', state: 'unused', uses: 0 },
    ])
    const table = await ask('--admin', `http://127.0.0.1:${admin}`, '--token', 'env:ADMIN_TOKEN')
    expect(table.stdout).toMatch(/^github +signature +old +in-use +2 +\d.* ago +2099-12-31 /m)
    expect(stdout + table.stdout).not.toMatch(/the-(new|old)-secret|the-token/)
  })

  it('says what keeps it from telling', async () => {
    expect(await ask()).toMatchObject({ code: 2, stderr: expect.stringContaining('no gate is named') })
    expect(await ask('--admin', `http://127.0.0.1:${admin}`)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not take the admin token'),
    })
    expect(await ask('--admin', 'http://127.0.0.1:1')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('can not be reached'),
    })
  })

  it('lets a secret change with its file, and goes on counting by its name', async () => {
    expect(await signed('the-new-secret')).toBe(200)
    const reloaded = gate.next(({ msg }) => msg === 'reloaded', 15_000)
    writeFileSync(join(gate.folder, 'new.secret'), 'the-newest-secret')
    await reloaded
    expect([await signed('the-newest-secret'), await signed('the-new-secret')]).toEqual([200, 401])
    const { stdout } = await ask('--config', 'gate.yaml', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ secrets: [{ name: 'current', uses: 2 }, {}, {}] })
  })
})
