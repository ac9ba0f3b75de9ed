import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'bundle-'))
const dist = join(folder, 'dist')
const cache = join(dist, 'cache')
const program = join(folder, 'bin/sallyport.js')
const config = join(folder, 'gate.yaml')
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

beforeAll(() => {
  for (const name of ['src', 'bin', 'rolldown.config.js', 'package.json'])
    cpSync(join(ROOT, name), join(folder, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
  execFileSync(join(ROOT, 'node_modules/.bin/rolldown'), ['-c'], { cwd: folder })
  rmSync(join(folder, 'src'), { recursive: true })
  writeFileSync(
    config,
    `listeners:
  - { name: public, bind: "127.0.0.1:0" }
routes:
  - name: one
    match: { path: /one }
    checks: [{ source-ip: { allow: [127.0.0.0/8] } }]
    forward: { to: "http://127.0.0.1:9/" }
`,
  )
}, 120_000)

afterAll(() => rmSync(folder, { recursive: true }))

const node = (...args: string[]): string => execFileSync(process.execPath, args, { encoding: 'utf8' }).trim()

const bundleOf = (more = ''): string =>
  `const { Bundle } = await import(${JSON.stringify(pathToFileURL(join(folder, 'bin/bundle.js')))})
    const bundle = new Bundle(${JSON.stringify(join(dist, 'cli'))}${more})
    bundle.require('./run.js')`

/** Whether V8 takes what is in the cache for the file that holds the gate. */
const isTaken = (...flags: string[]): boolean =>
  node(...flags, '--input-type=module', '-e', `${bundleOf()}\nconsole.log(bundle.isTaken)`) === 'true'

/** Whether it does in a thread, of a gate that starts or has started. */
function isTakenByWorker(has: 'starts' | 'started'): boolean {
  const thread = `${bundleOf(', false')}\nconsole.log(bundle.isTaken)`
  const script = `import { Worker } from 'node:worker_threads'
    ${bundleOf()}
    if (${has === 'started'}) bundle.started()
    new Worker(new URL(${JSON.stringify(`data:text/javascript,${encodeURIComponent(thread)}`)}))`
  return node('--input-type=module', '-e', script) === 'true'
}

describe('what npm run build makes', () => {
  it('is ASCII, of which V8 keeps a byte a character', () => {
    const files = readdirSync(join(dist, 'cli')).filter(name => name.endsWith('.js'))
    expect(files).toContain('main.js')
    for (const file of files) expect(readFileSync(join(dist, 'cli', file), 'utf8')).toMatch(/^[\0-\x7f]*$/)
  })

  it('has the compiled code of a start beside it, which a start takes', () => {
    expect(readdirSync(cache)).toEqual(expect.arrayContaining(['main.js.code', 'run.js.code']))
    expect(isTaken()).toBe(true)
    expect(node(program, '--version')).toBe(version)
  })

  it('has it for the workers too that begin with the gate', () => {
    expect(isTakenByWorker('starts')).toBe(true)
    expect(isTakenByWorker('started')).toBe(false)
  })

  it('loads what a gate needs later as Node has it compiled', () => {
    const script = `${bundleOf()}
      import { createRequire } from 'node:module'
      bundle.started()
      bundle.require('node:tls')
      const { internalBinding } = createRequire(import.meta.url)('internal/test/binding')
      console.log(bundle.isTaken, internalBinding('builtins').getCacheUsage().compiledWithCache.has('tls'))`
    expect(node('--expose-internals', '--input-type=module', '-e', script)).toBe('true true')
  })

  it('runs where the compiled code is of other flags, damaged or gone', () => {
    expect(isTaken('--no-flush-bytecode')).toBe(false)
    for (const flag of ['--no-flush-bytecode', '--jitless', '--no-opt'])
      expect(node(flag, program, '--version'), flag).toBe(version)
    for (const name of readdirSync(cache)) writeFileSync(join(cache, name), 'damaged')
    expect(isTaken()).toBe(false)
    expect(node(program, '--version')).toBe(version)
    rmSync(cache, { recursive: true })
    expect(isTaken()).toBe(false)
    expect(node(program, '--version')).toBe(version)
  })

  it('loads what speaks TLS, and CA certificates with it, for no gate that does not', async () => {
    const script = `process.argv.splice(1, 0, ${JSON.stringify(program)})
      process.on('SIGUSR2', () => process.stderr.write(JSON.stringify(process.moduleLoadList), () => process.exit()))
      require(process.argv[1])`
    const gate = spawn(process.execPath, ['-e', script, 'run', '--config', config])
    let [log, told] = ['', '']
    gate.stdout.on('data', text => {
      log += text
    })
    gate.stderr.on('data', text => {
      told += text
    })
    await vi.waitFor(() => expect(log).toContain('listening'), { timeout: 60_000, interval: 50 })
    gate.kill('SIGUSR2')
    await once(gate, 'close')
    const loaded: unknown = JSON.parse(told)
    expect(loaded).toContain('NativeModule net')
    for (const name of ['tls', 'https', 'zlib']) expect(loaded, name).not.toContain(`NativeModule ${name}`)
  }, 90_000)

  it('leaves the compiled code behind where a gate started without it', async () => {
    rmSync(cache, { recursive: true, force: true })
    const gate = spawn(process.execPath, [program, 'run', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    // Where V8 knows one of the flags no more, it says so here.
    let told = ''
    gate.stderr.on('data', text => {
      told += text
    })
    await vi.waitFor(() => expect(existsSync(join(cache, 'run.js.code'))).toBe(true), { timeout: 60_000, interval: 50 })
    gate.kill('SIGTERM')
    expect(await once(gate, 'close')).toEqual([0, null])
    expect(told).toBe('')
    expect(isTaken()).toBe(true)
  }, 90_000)
})
