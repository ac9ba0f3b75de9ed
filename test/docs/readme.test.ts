import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { tempFolder } from '../support/gate.ts'
import { type Fence, fences, ROOT, readPage } from './markdown.ts'

const BIN = join(ROOT, 'bin/sallyport.js')
const blocks = fences(readPage('README.md'))
const of = (info: string): string[] => blocks.filter(block => block.info === info).map(({ text }) => text)

const ID = /\b01[0-9A-HJKMNP-TV-Z]{24}\b/g

/** What differs from run to run: ids, signatures, the end of a rate's period. */
const plain = (text: string): string =>
  text
    .replace(ID, 'ID')
    .replace(/sha256=[0-9a-f]{8}/g, 'sha256=SIGNATURE')
    .replace(/;t=\d+/g, ';t=T')
    .trimEnd()

let folder: string
let env: NodeJS.ProcessEnv
const ports = new Map<string, number>()
const background: { readonly child: ChildProcess; output: string }[] = []

/** The id of the last reply: what a reader puts in the place of the page's. */
let answered = ''

const placed = (text: string): string =>
  [...ports].reduce((changed, [written, free]) => changed.replaceAll(written, String(free)), text)

function run(command: string): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve =>
    execFile('bash', ['-ec', placed(command).replace(ID, answered)], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    ),
  )
}

/** Starts what a reader has in a terminal of its own, and waits until its port answers or it says that it listens. */
async function start(command: string, ready: (output: string) => Promise<boolean>): Promise<void> {
  const child = spawn('bash', ['-ec', `exec ${placed(command)}`], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const terminal = { child, output: '' }
  background.push(terminal)
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      terminal.output += text
    })
  for (let waited = 0; !(await ready(terminal.output)); waited += 50) {
    if (waited > 10_000 || child.exitCode !== null) throw new Error(`${command} is not ready: ${terminal.output}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

function freePort(): Promise<number> {
  return new Promise(resolve => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

beforeAll(async () => {
  folder = tempFolder()
  for (const port of ['8443', '3000', '9901']) ports.set(port, await freePort())
  // The checkout's npx finds the checkout's program: here a line of shell does.
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin/npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${BIN}" "$@"\n`, {
    mode: 0o755,
  })
  writeFileSync(join(folder, 'bin/node'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 })
  env = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, HOME: folder }
})
afterAll(async () => {
  for (const { child } of background.reverse()) {
    child.kill('SIGTERM')
    if (child.exitCode === null) await new Promise(resolve => child.once('exit', resolve))
  }
  rmSync(folder, { recursive: true })
})

async function follow(block: Fence, last: string): Promise<string> {
  const { info, text } = block
  if (info === 'sh run' || info === 'sh fails') {
    expect(text).toContain('npx sallyport ')
    const { code, stdout, stderr } = await run(text)
    expect(code, `${text}${stdout}${stderr}`).toBe(info === 'sh run' ? 0 : 1)
    answered = stdout.match(ID)?.at(-1) ?? answered
    return stdout
  }
  if (info === 'sh background') {
    const gate = text.includes('sallyport')
    const port = gate ? '8443' : '3000'
    await start(text, async output =>
      gate ? output.includes('"msg":"listening"') : (await run(`bash -c ': > /dev/tcp/127.0.0.1/${port}'`)).code === 0,
    )
  }
  if (info === 'text output') expect(plain(last)).toBe(plain(placed(text)))
  if (info.startsWith('yaml my-gate/')) {
    const file = join(folder, info.slice('yaml '.length))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, placed(text))
  }
  return last
}

describe('README.md', () => {
  it('makes a first route, and shows what its commands print', async () => {
    let last = ''
    for (const block of blocks) last = await follow(block, last)
    expect(background).toHaveLength(2)
    expect(background[0]?.output).toBe('{"zen":"Keep it logically awesome."}')
  }, 60_000)

  it('shows what the log says of the refusal', async () => {
    const refused = () => background[1]?.output.split('\n').find(each => each.includes('"msg":"refused"'))
    await vi.waitUntil(refused, { timeout: 5_000 })
    const logged = JSON.parse(refused() ?? '{}')
    const [shown = ''] = of('text log')
    expect(shown).toMatch(
      new RegExp(`^${logged.msg} +route=${logged.route} code=${logged.code} status=${logged.status}$`, 'm'),
    )
    expect(shown).toContain(`evidence=${JSON.stringify(logged.evidence)}`)
    expect(plain(shown)).toContain(plain(`remedy=${JSON.stringify(logged.remedy)}`))
  })

  it('shows what the demo prints', async () => {
    const { code, stdout } = await run('npx sallyport demo --once --port 0')
    expect(code).toBe(0)
    expect(of('text demo').join('').trim(), 'mend: paste the table of `npx sallyport demo --once`').toBe(
      stdout.trim().replace(/localhost:\d+/, 'localhost:8443'),
    )
  }, 30_000)
})
