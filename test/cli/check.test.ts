import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { check } from '../../src/cli/check.ts'
import { schema } from '../../src/cli/schema.ts'
import type { Verb, VerbArgs } from '../../src/cli/verb.ts'
import { makeCertificates } from '../support/gate.ts'

const BIN = join(import.meta.dirname, '../../bin/sallyport.js')
const CWD = join(import.meta.dirname, '../golden/cli')

async function run(verb: Verb, positionals: string[], values: VerbArgs['values'] = {}, env: NodeJS.ProcessEnv = {}) {
  const written = { stdout: '', stderr: '' }
  const into = (stream: 'stdout' | 'stderr') => ({
    write(text: string) {
      written[stream] += text
    },
  })
  const code = await verb.run(
    { values, positionals },
    { stdout: into('stdout'), stderr: into('stderr'), env, cwd: CWD },
  )
  return { code, ...written }
}

describe('check', () => {
  it('says that a good config is fit to run', async () => {
    expect(await run(check, ['open.yaml'])).toEqual({
      code: 0,
      stdout: 'open.yaml: 1 listener, 1 route, fit to run\n',
      stderr: '',
    })
    expect((await run(check, [], { config: 'open.yaml' })).code).toBe(0)
  })

  it('prints every problem under the name that was typed, and exits 1', async () => {
    const { code, stdout, stderr } = await run(check, ['bad.yaml'])
    expect(code).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^bad\.yaml:2:\d+ {2}bind: plain HTTP on 0\.0\.0\.0:80/)
    expect(stderr).toMatch(/\nbad\.yaml: 1 error, 1 warning\n$/)
  })

  it('lets warnings pass, unless --strict', async () => {
    expect((await run(check, ['warned.yaml'])).code).toBe(0)
    expect((await run(check, ['warned.yaml'], { strict: true })).code).toBe(1)
  })

  it('prints the plan, as text and as JSON', async () => {
    const text = await run(check, ['open.yaml'], { plan: true })
    expect(text.stdout).toContain('route partner\n')
    const { stdout } = await run(check, ['open.yaml'], { plan: true, json: true })
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, problems: [], plan: { routes: [{ name: 'partner' }] } })
    const bad = JSON.parse((await run(check, ['bad.yaml'], { json: true })).stdout)
    expect(bad).toMatchObject({ ok: false, problems: [{ file: 'bad.yaml', line: 2, severity: 'error' }, {}] })
  })

  it('calls a missing or second file wrong usage', async () => {
    expect((await run(check, [])).code).toBe(2)
    expect((await run(check, ['a.yaml', 'b.yaml'])).code).toBe(2)
    expect((await run(check, ['no-such.yaml'])).stderr).toMatch(/^no-such\.yaml {2}there is no such file\n/)
  })
})

describe('files that this user may not read', () => {
  /** Root reads everything. */
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

  it('a folder of CRLs is warned of, as a CRL is', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-check-'))
    chmodSync(folder, 0o755)
    mkdirSync(join(folder, 'crls'), { mode: 0o000 })
    await makeCertificates(folder)
    for (const name of ['server.crt', 'server.key', 'clients-ca.crt']) chmodSync(join(folder, name), 0o644)
    writeFileSync(
      join(folder, 'gate.yaml'),
      `
listeners:
  - name: public
    bind: 127.0.0.1:8443
    tls: { certificates: [{ cert: server.crt, key: server.key }], client-ca: clients-ca.crt, client-crl: crls }
routes:
  - { name: a, match: { path: /a }, checks: [{ client-cert: {} }], forward: { to: "http://127.0.0.1:9" } }
`,
    )
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'check', join(folder, 'gate.yaml')], {
      encoding: 'utf8',
      ...user,
    })
    rmSync(folder, { recursive: true })
    expect(stdout + stderr).toMatch(/warning: client-crl: the file crls may not be read by this user/)
    expect(status, stderr).toBe(0)
  })
})

describe('schema', () => {
  it('prints a JSON Schema that names every check', async () => {
    const { code, stdout } = await run(schema, [])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
    expect(stdout).toContain('"source-ip"')
    expect((await run(schema, ['x'])).code).toBe(2)
  })
})

it.each([check, schema])('$name has a help text with at least two examples', verb => {
  expect(verb.examples.length).toBeGreaterThanOrEqual(2)
  expect(verb.summary).toMatch(/^[^\n]+\.$/)
})
