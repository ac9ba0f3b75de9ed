import { type ChildProcess, spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { type LogLine, startGate, tempFolder } from '../support/gate.ts'
import { olderNode } from '../support/older-node.ts'
import { freePort } from '../support/ports.ts'
import { startUpstream } from '../support/upstream.ts'

const BIN = join(import.meta.dirname, '../../bin/sallyport.js')
const MOMENT_MS = 1_100

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

/** Accepts and never answers; `asked` resolves with the first connection. */
async function silentServer() {
  const asked = Promise.withResolvers<void>()
  const server = createServer(() => asked.resolve())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, asked: asked.promise }
}

function spawned(child: ChildProcess) {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', text => {
    stdout += text
  })
  child.stderr?.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const lines = (): LogLine[] =>
    stdout
      .split('\n')
      .filter(line => line !== '')
      .map(line => JSON.parse(line) as LogLine)
  const ended = new Promise<string | number | null>(resolve =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  )
  return { lines, stderr: () => stderr, ended }
}

describe('a signal while the gate starts', () => {
  let silent: Awaited<ReturnType<typeof silentServer>>
  beforeEach(async () => {
    silent = await silentServer()
  })
  afterEach(() => void silent.server.close())

  const config = (port: number, workers: number): string => `
workers: ${workers}
listeners:
  - { name: public, bind: "127.0.0.1:${port}" }
routes:
  - name: a
    match: { path: /a }
    checks: [{ jwt: { jwks: { url: "http://127.0.0.1:${silent.port}/jwks" }, issuer: "https://issuer.test", audience: a, algorithms: [ES256] } }]
    forward: { to: "http://127.0.0.1:9/in" }
`
  async function start(workers: number) {
    const port = await freePort()
    const file = join(tempFolder(), 'gate.yaml')
    writeFileSync(file, config(port, workers))
    const child = spawn(process.execPath, [BIN, 'run', '--config', file, '--json'])
    return { child, port, ...spawned(child) }
  }

  it.each([
    ['SIGTERM', 1],
    ['SIGINT', 1],
    ['SIGQUIT', 1],
    ['SIGTERM', 2],
    ['SIGINT', 2],
  ] as const)('%s ends it in order, with workers: %i', async (signal, workers) => {
    const { child, port, lines, stderr, ended } = await start(workers)
    await silent.asked
    // With several, the first worker waits by then.
    if (workers > 1) await pause(2_500)
    const from = performance.now()
    child.kill(signal)
    expect(await ended, stderr()).toBe(0)
    expect(performance.now() - from).toBeLessThan(3_000)
    expect(lines().map(({ msg }) => msg)).not.toContain('listening')
    expect(lines().at(-1)).toMatchObject({ msg: 'stopped' })
    await expect(ask({ port, path: '/a' })).rejects.toThrow('ECONNREFUSED')
  })

  it('SIGHUP reloads after it', async () => {
    const { child, lines, stderr, ended } = await start(1)
    await silent.asked
    child.kill('SIGHUP')
    await expect.poll(() => lines().map(({ msg }) => msg), { timeout: 15_000 }).toContain('reloaded')
    expect(
      lines()
        .map(({ msg }) => msg)
        .filter(msg => msg === 'listening' || msg === 'reloaded'),
    ).toEqual(['listening', 'reloaded'])
    child.kill('SIGTERM')
    expect(await ended, stderr()).toBe(0)
  })
})

const slowly = `
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: a
    match: { path: /a }
    checks: [{ source-ip: { allow: [127.0.0.1] } }]
    forward: { to: UPSTREAM }
`

describe('a second signal', () => {
  const request = { path: '/a', headers: { 'content-type': 'application/json' }, body: '{}' }

  async function underWay(answerMs: number, workers = 1) {
    const upstream = await startUpstream((_req, res) => void setTimeout(() => res.end('{}'), answerMs))
    const gate = await startGate(`${slowly.replace('UPSTREAM', `"${upstream.url}/in"`)}workers: ${workers}\n`)
    const answer = ask({ port: gate.port('public'), ...request }).then(
      reply => reply.status,
      (error: unknown) => String(error),
    )
    await expect.poll(() => upstream.received.length).toBe(1)
    return { upstream, gate, answer }
  }

  it.each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)('%s at the same moment cuts nothing', async signal => {
    const { upstream, gate, answer } = await underWay(1_500)
    try {
      gate.process.kill(signal)
      await pause(30)
      gate.process.kill(signal)
      expect(await answer).toBe(200)
      expect(await gate.exited).toBe(0)
      expect(gate.lines.map(({ msg }) => msg).slice(-3)).toEqual(['draining', 'forwarded', 'stopped'])
    } finally {
      await upstream.close()
      await gate.stop()
    }
  })

  it.each(['SIGTERM', 'SIGQUIT'] as const)('%s later changes nothing', async signal => {
    const { upstream, gate, answer } = await underWay(MOMENT_MS + 900)
    try {
      gate.process.kill(signal)
      await pause(MOMENT_MS)
      gate.process.kill(signal)
      expect(await answer).toBe(200)
      expect(await gate.exited).toBe(0)
      expect(gate.lines.at(-1)).toMatchObject({ msg: 'stopped' })
    } finally {
      await upstream.close()
      await gate.stop()
    }
  })

  it.each([1, 2])('SIGINT later cuts the drain short, in order, with workers: %i', async workers => {
    const { upstream, gate, answer } = await underWay(15_000, workers)
    try {
      gate.process.kill('SIGINT')
      await pause(MOMENT_MS)
      const from = performance.now()
      gate.process.kill('SIGINT')
      expect(await answer).toMatch(/ECONNRESET|hang up/)
      expect(await gate.exited).toBe(0)
      expect(performance.now() - from).toBeLessThan(5_000)
      expect(gate.lines.find(({ msg }) => msg === 'drain cut short')).toMatchObject({ level: 'warn', signal: 'SIGINT' })
      expect(gate.lines.at(-1)).toMatchObject({ msg: 'stopped' })
    } finally {
      await upstream.close()
      await gate.stop()
    }
  })

  it.each([1, 2])('SIGUSR2 ends nothing, and tells what to send instead, with workers: %i', async workers => {
    const { upstream, gate, answer } = await underWay(1_000, workers)
    try {
      gate.process.kill('SIGUSR2')
      const told = await gate.line(({ msg }) => msg === 'signal not taken')
      expect(told).toMatchObject({ level: 'warn', signal: 'SIGUSR2' })
      expect(told.remedy).toContain('SIGHUP')
      expect(await answer).toBe(200)
      expect((await ask({ port: gate.port('public'), ...request })).status).toBe(200)
      expect(await gate.stop()).toBe(0)
    } finally {
      await upstream.close()
      await gate.stop()
    }
  })

  it.skipIf(olderNode === undefined).each(['SIGTERM', 'SIGINT', 'SIGQUIT'] as const)(
    '%s to the launcher and all that runs under it cuts nothing',
    async signal => {
      const upstream = await startUpstream((_req, res) => void setTimeout(() => res.end('{}'), 1_500))
      const file = join(tempFolder(), 'gate.yaml')
      writeFileSync(file, slowly.replace('UPSTREAM', `"${upstream.url}/in"`))
      const child = spawn(olderNode ?? '', [BIN, 'run', '--config', file, '--json'], { detached: true })
      const { lines, stderr, ended } = spawned(child)
      try {
        const listening = () => lines().find(({ msg }) => msg === 'listening')
        await expect.poll(listening, { timeout: 15_000 }).toBeDefined()
        const answer = ask({ port: Number(listening()?.port), ...request })
        await expect.poll(() => upstream.received.length).toBe(1)
        // To the launcher alone, which passes it on.
        child.kill('SIGUSR2')
        await expect.poll(() => lines().map(({ msg }) => msg)).toContain('signal not taken')
        process.kill(-(child.pid ?? 0), signal)
        expect((await answer).status).toBe(200)
        expect(await ended, stderr()).toBe(0)
        expect(
          lines()
            .map(({ msg }) => msg)
            .slice(-3),
        ).toEqual(['draining', 'forwarded', 'stopped'])
      } finally {
        await upstream.close()
      }
    },
  )
})

it('SIGHUP and then SIGTERM refuse no reload on the way out', async () => {
  const open = slowly.replace('UPSTREAM', '"http://127.0.0.1:9/in"')
  const gate = await startGate(`${open}workers: 2\n`)
  try {
    gate.process.kill('SIGHUP')
    await pause(20)
    gate.process.kill('SIGTERM')
    expect(await gate.exited).toBe(0)
    expect(gate.lines.map(({ msg }) => msg)).not.toContain('reload refused')
    expect(gate.lines.at(-1)).toMatchObject({ msg: 'stopped' })
  } finally {
    await gate.stop()
  }
})

it.each([1, 2])('SIGUSR1, which has others open their log anew, opens no debugger, with %i workers', async workers => {
  const gate = await startGate(`workers: ${workers}${slowly.replace('UPSTREAM', '"http://127.0.0.1:9/in"')}`)
  gate.process.kill('SIGUSR1')
  gate.process.kill('SIGHUP')
  await gate.line(({ msg }) => msg === 'reloaded')
  await pause(300)
  expect(gate.stderr()).toBe('')
  expect(await gate.stop()).toBe(0)
})
