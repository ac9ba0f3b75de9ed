import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { startGate } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'

const ROOT = join(import.meta.dirname, '../..')
const TOKEN = 'the-admin-token-of-the-built-console'

/** The package as it is installed: bin and dist, no source. */
let installed = ''

beforeAll(() => {
  installed = mkdtempSync(join(tmpdir(), 'installed-'))
  for (const part of ['src', 'bin', 'package.json', 'rolldown.config.js'])
    cpSync(join(ROOT, part), join(installed, part), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(installed, 'node_modules'))
  execFileSync(join(ROOT, 'node_modules/.bin/rolldown'), ['-c'], { cwd: installed })
  rmSync(join(installed, 'src'), { recursive: true })
}, 60_000)

afterAll(() => rmSync(installed, { recursive: true, force: true }))

describe('the console of the built package', () => {
  it('has all files of the page, and none of its types', () => {
    const page = readdirSync(join(installed, 'dist/console/page'))
    const source = readdirSync(join(ROOT, 'src/console/page'))
    expect(page.toSorted()).toEqual(source.filter(file => file !== 'tsconfig.json').toSorted())
  })

  it('serves the page, what it imports and its API', { timeout: 60_000 }, async () => {
    const port = await freePort()
    const yaml = `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:${port}", token: { env: ADMIN_TOKEN } }
routes:
  - name: a
    match: { path: /a }
    checks: [{ source-ip: { allow: [127.0.0.0/8] } }]
    forward: { to: "http://127.0.0.1:9/in" }
`
    const bin = join(installed, 'bin/sallyport.js')
    const gate = await startGate(yaml, { ADMIN_TOKEN: TOKEN }, undefined, 2, bin)
    try {
      const get = (path: string) =>
        ask({ port, path, method: 'GET', headers: { authorization: `Bearer ${TOKEN}`, accept: 'text/html' } })
      const document = await get('/')
      expect(document.status).toBe(200)
      const named = [...document.body.matchAll(/"(?:\.\/)?(console\/[^"]+)"/g)].map(([, path]) => `/${path}`)
      expect(named.length).toBeGreaterThan(10)
      for (const path of [
        ...named,
        '/console/keys.js',
        '/api/gate',
        '/api/routes',
        '/api/history',
        '/api/config',
        '/expiries.ics',
      ])
        expect((await get(path)).status, path).toBe(path === '/expiries.ics' ? 401 : 200)
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      expect((await ask({ port, path: '/login', headers: form, body: `token=${TOKEN}` })).status).toBe(303)
    } finally {
      expect(await gate.stop()).toBe(0)
    }
  })
})
