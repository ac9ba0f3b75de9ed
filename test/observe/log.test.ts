import { execFile, spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { frozenClock } from '../../src/core/clock.ts'
import { createLog, type LogOptions } from '../../src/observe/log.ts'

const run = promisify(execFile)
const LOG = join(import.meta.dirname, '../../src/observe/log.ts')

function collected(options: LogOptions = {}) {
  const lines: string[] = []
  const clock = frozenClock(Date.parse('2026-01-31T08:15:00.042Z'))
  return { lines, log: createLog({ destination: { write: text => lines.push(text) }, clock, ...options }) }
}

/** A program of its own that logs to its stdout. */
const program = (body: string): string[] => [
  '--input-type=module-typescript',
  '-e',
  `import { createLog } from ${JSON.stringify(LOG)}\nconst log = createLog({ pretty: false })\n${body}`,
]

describe('log', () => {
  it('writes level as text, ISO time, the message, then the fields', () => {
    const { log, lines } = collected()
    log.warn('listening', { listener: 'public', port: 8443 })
    expect(lines).toEqual([
      '{"level":"warn","time":"2026-01-31T08:15:00.042Z","msg":"listening","listener":"public","port":8443}\n',
    ])
  })

  it('says a message once, even beside an error', () => {
    const { log, lines } = collected()
    log.error('reload failed', { err: new Error('bad file') })
    expect(lines[0]?.match(/"msg"/g)).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'reload failed', err: { message: 'bad file' } })
  })

  it('keeps to its level', () => {
    const { log, lines } = collected({ level: 'warn' })
    log.info('a')
    log.warn('b')
    log.error('c')
    expect(lines).toHaveLength(2)
    expect(log.writes('info')).toBe(false)
    expect(log.writes('warn')).toBe(true)
    expect(collected({ level: 'silent' }).log.writes('error')).toBe(false)
  })

  it.each([false, true])('never lets text break the line or drive a terminal (pretty: %s)', pretty => {
    const { log, lines } = collected({ pretty })
    log.info('m\nx\u001b[2J', {
      path: '/a\r\n{"level":"info"}',
      'k\u202e': '\u009b31m \u2028 \u0000',
      deep: ['\u0085'],
    })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^[ -~]+\n$/)
  })

  it('writes one aligned line for a person', () => {
    const { log, lines } = collected({ pretty: true })
    log.info('listening', { address: '127.0.0.1', port: 8443, why: 'two words', evidence: { a: [1] } })
    log.info('ready')
    expect(lines).toEqual([
      '08:15:00.042  info   listening     address=127.0.0.1 port=8443 why="two words" evidence={"a":[1]}\n',
      '08:15:00.042  info   ready\n',
    ])
  })

  it.each([
    ['an ordinary end', '', 0],
    ['process.exit', 'process.exit(3)', 3],
    ['a crash', 'setTimeout(() => { throw new Error("boom") })', 1],
  ])('loses no line on %s', async (_name, end, status) => {
    const body = `for (let i = 0; i < 5000; i++) log.info('n', { i })\n${end}`
    const result = await run(process.execPath, program(body)).then(
      ({ stdout }) => ({ stdout, code: 0 }),
      (error: { stdout: string; code: number }) => error,
    )
    expect(result.code).toBe(status)
    const numbers = result.stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line).i)
    expect(numbers).toHaveLength(5000)
    expect(new Set(numbers).size).toBe(5000)
  })

  it('hands over a lone line within a fraction of a second', async () => {
    const child = spawn(process.execPath, program(`log.info('one'); setTimeout(() => {}, 60000)`))
    const line = await new Promise<string>(resolve => child.stdout.once('data', data => resolve(String(data))))
    child.kill('SIGKILL')
    expect(JSON.parse(line).msg).toBe('one')
  })

  it('ends when its reader has gone', async () => {
    const child = spawn(process.execPath, program(`setTimeout(() => { log.info('late'); process.exit(0) }, 300)`))
    child.stdout.destroy()
    const code = await Promise.race([new Promise(resolve => child.once('exit', resolve)), sleep(5000)])
    child.kill('SIGKILL')
    expect(code).toBe(0)
  })

  it('does not wait for a reader that stalls: it drops, counts, and goes on', async () => {
    const body = `
      const text = 'x'.repeat(1000)
      for (let i = 0; i < 30_000; i++) log.info(text)
      setTimeout(() => { process.stderr.write(String(log.dropped())); process.exit(0) }, 300)`
    const child = spawn(process.execPath, program(body))
    child.stdout.pause()
    let dropped = ''
    child.stderr.on('data', data => {
      dropped += data
    })
    const code = await Promise.race([new Promise(resolve => child.once('exit', resolve)), sleep(8000)])
    child.kill('SIGKILL')
    expect(Number(dropped)).toBeGreaterThan(5000)
    expect(code).toBe(0)
  })
})
