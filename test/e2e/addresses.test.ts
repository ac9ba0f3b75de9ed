import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { sallyport, startGate, tempFolder } from '../support/gate.ts'
import { freePort } from '../support/ports.ts'

const config = (bind: string, rest = ''): string => `
listeners: [{ name: public, bind: "${bind}", expose: true }]
routes:
  - { name: a, match: { path: /a }, checks: [{ source-ip: { allow: [127.0.0.1] } }], forward: { to: "http://127.0.0.1:9" } }
${rest}
`

it.each([1, 2])('a reload that needs an address of this gate says so, with workers: %i', async workers => {
  const [port, adminPort] = [await freePort(), await freePort()]
  const rest = (admin: number): string => `admin: { bind: "127.0.0.1:${admin}" }\nworkers: ${workers}`
  const gate = await startGate(config(`127.0.0.1:${port}`, rest(adminPort)), {}, tempFolder(), 2)
  try {
    const swapped = await gate.reload(config(`127.0.0.1:${adminPort}`, rest(port)))
    expect(swapped).toMatchObject({ msg: 'reload refused', level: 'error' })
    expect(swapped.reason).toMatch(/EADDRINUSE.*: the admin listener of this gate has the address/)
    expect(swapped.remedy).toMatch(/old config stays in force\. Nothing is wrong with the file: .* restart/)
    const widened = await gate.reload(config(`0.0.0.0:${port}`, rest(adminPort)))
    expect(widened.reason).toMatch(/EADDRINUSE.*: listener public of this gate has the address/)
  } finally {
    expect(await gate.stop()).toBe(0)
  }
})

it.each([1, 2])(
  'a Unix socket in a folder that is missing is told with its own mend, with workers: %i',
  async workers => {
    const folder = tempFolder()
    const file = join(folder, 'gate.yaml')
    writeFileSync(file, config(`unix:${folder}/none/gate.sock`, `workers: ${workers}`).replace(', expose: true', ''))
    const { code, stderr } = await sallyport(['run', '--config', file, '--json'])
    expect(code).toBe(1)
    expect(stderr).toContain(`mend: make the folder ${folder}/none`)
    expect(stderr).not.toContain('CAP_NET_BIND_SERVICE')
  },
)

it('telemetry that lacks its secret is told once, whatever the number of workers', async () => {
  const otlp = 'telemetry: { otlp: { endpoint: "http://127.0.0.1:9", bearer: { file: absent } } }'
  const gate = await startGate(config('127.0.0.1:0', `${otlp}\nworkers: 2`))
  expect(await gate.stop()).toBe(0)
  expect(gate.lines.filter(({ msg }) => msg === 'telemetry offline')).toHaveLength(1)
})
