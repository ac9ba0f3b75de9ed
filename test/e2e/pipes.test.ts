import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFailed } from 'vitest'
import { startGate, tempFolder } from '../support/gate.ts'

const routes = (files: readonly string[]) =>
  files
    .map(
      (check, index) => `
  - name: r${index}
    match: { path: /r${index} }
    checks: [{ ${check} }]
    forward: { to: "http://127.0.0.1:9/" }`,
    )
    .join('')

it('goes on where a file that it reads becomes a pipe, and says so', async () => {
  const folder = tempFolder()
  const files = { secret: 'a-secret-of-the-test', 'nets.txt': '192.0.2.0/24\n', 'schema.json': '{}' }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const gate = await startGate(
    `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
admin: { bind: "127.0.0.1:0" }
routes:${routes(['signature: { provider: github, secrets: [{ file: secret }] }', 'source-ip: { allow: [{ file: nets.txt }] }', 'source-ip: { allow: [192.0.2.1] } }, { schema: { file: schema.json }'])}
`,
    {},
    folder,
    2,
  )
  // One that stands still hears no SIGTERM.
  onTestFailed(() => void gate.process.kill('SIGKILL'))
  for (const name of Object.keys(files)) {
    rmSync(join(folder, name))
    execFileSync('mkfifo', [join(folder, name)])
  }
  gate.process.kill('SIGHUP')
  for (const route of ['r0', 'r1', 'r2'])
    expect((await gate.line(line => line.msg === 'route offline' && line.route === route, 5_000)).reason).toMatch(
      /is a pipe|EISPIPE/,
    )
  expect((await fetch(`http://127.0.0.1:${gate.port('admin')}/healthz`)).status).toBe(200)
  expect(await gate.stop()).toBe(0)
}, 30_000)
