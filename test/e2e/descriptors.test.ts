import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { ask } from '../support/client.ts'
import { descriptors } from '../support/descriptors.ts'
import { startGate } from '../support/gate.ts'
import { startUpstream } from '../support/upstream.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const REQUEST = 'POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

/** Clock ticks that a process has run, in user mode and in the system. */
function ticks(pid: number | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return Number(fields[11]) + Number(fields[12])
}

it.runIf(process.platform === 'linux').each([1, 2])(
  'a gate of %i workers with few descriptors forwards what it lets in, rests while it is full, and goes on after',
  async workers => {
    const upstream = await startUpstream()
    closing.push(upstream.close)
    const gate = await startGate(
      `
workers: ${workers}
listeners: [{ name: public, bind: "127.0.0.1:0" }]
routes:
  - name: a
    match: { path: /a }
    checks: [{ source-ip: { allow: [127.0.0.0/8] } }]
    forward: { to: ${upstream.url}/a }
`,
      {},
      undefined,
      1,
      undefined,
      100,
    )
    closing.push(() => gate.stop())
    expect(await gate.line(({ msg }) => msg === 'config')).toMatchObject({
      level: 'warn',
      problem: expect.stringMatching(/lets in \d0000 connections, for which \d+ file .* may have 100, and takes \d+ /),
    })
    const port = gate.port('public')
    for (let round = 0; round < 3; round++) {
      const sockets: Socket[] = []
      const answers: string[] = []
      for (let i = 0; i < 400; i++) {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined)
        socket.on('connect', () => socket.write(REQUEST))
        socket.setEncoding('latin1').on('data', (text: string) => answers.push(text.slice(9, 12)))
        sockets.push(socket)
      }
      await new Promise(resolve => setTimeout(resolve, 1_500))
      const before = ticks(gate.process.pid)
      await new Promise(resolve => setTimeout(resolve, 1_000))
      // A loop that spins takes a hundred.
      expect(ticks(gate.process.pid) - before).toBeLessThan(30)
      expect(answers.length).toBeGreaterThanOrEqual(16)
      expect(new Set(answers)).toEqual(new Set(['200']))
      expect(descriptors(gate.process.pid)).toBeLessThan(100)
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => setTimeout(resolve, 300))
    }
    const headers = { 'content-type': 'application/json' }
    expect((await ask({ port, path: '/a', headers, body: '{}' })).status).toBe(200)
    const told = gate.lines.filter(({ msg }) => msg === 'connections turned away')
    expect(told[0]).toMatchObject({ level: 'warn', listener: 'public', remedy: expect.stringContaining('limits.') })
    expect(told.length).toBeLessThanOrEqual(workers)
  },
  30_000,
)
