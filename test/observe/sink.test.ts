import { execFileSync } from 'node:child_process'
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createSink } from '../../src/observe/sink.ts'

let folder: string
const open: number[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sink-'))
})
afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd)
  rmSync(folder, { recursive: true })
})

function file(flags: string | number, name = 'log'): number {
  const fd = openSync(join(folder, name), flags)
  open.push(fd)
  return fd
}

/** Both ends of a real pipe that does not block. */
function pipe(): { readonly reader: number; readonly writer: number } {
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const reader = file(constants.O_RDONLY | constants.O_NONBLOCK, 'pipe')
  return { reader, writer: file(constants.O_WRONLY | constants.O_NONBLOCK, 'pipe') }
}

function drain(reader: number): string {
  const chunk = Buffer.alloc(1 << 20)
  let text = ''
  try {
    for (let read = readSync(reader, chunk); read > 0; read = readSync(reader, chunk))
      text += chunk.toString('latin1', 0, read)
  } catch {
    // EAGAIN: the pipe is empty.
  }
  return text
}

describe('sink', () => {
  it('gathers lines until there are enough, or until it is time', async () => {
    const sink = createSink(file('w'), { batch: 1000, wait: 50 })
    await sleep(80)
    const read = () => readFileSync(join(folder, 'log'), 'utf8')
    sink.write('one\n')
    expect(read()).toBe('')
    await sleep(150)
    expect(read()).toBe('one\n')
    sink.write(`${'x'.repeat(1100)}\n`)
    expect(read()).toHaveLength(1105)
    sink.write('two\n')
    sink.flush()
    expect(read().endsWith('two\n')).toBe(true)
    sink.close()
  })

  it('loses and repeats nothing while a slow reader catches up', async () => {
    const { reader, writer } = pipe()
    const sink = createSink(writer)
    let text = ''
    let want = ''
    for (let i = 0; i < 20_000; i++) {
      // What is no ASCII takes more bytes than characters.
      const line = `${i} ${(i % 3 === 0 ? 'y' : '\u00e9\u6f22').repeat(20)}\n`
      want += Buffer.from(line).toString('latin1')
      sink.write(line)
      if (i % 2000 === 0) {
        text += drain(reader)
        await sleep(1)
      }
    }
    for (let i = 0; i < 200 && text.length < want.length; i++) {
      text += drain(reader)
      await sleep(10)
    }
    expect(text === want).toBe(true)
    expect(sink.dropped).toBe(0)
    sink.close()
  })

  it('holds a bounded amount for a reader that stalls, counts the rest, and gives up a flush', () => {
    const { writer } = pipe()
    const sink = createSink(writer, { held: 100_000, patience: 50 })
    for (let i = 0; i < 1000; i++) sink.write(`${'z'.repeat(999)}\n`)
    expect(sink.dropped).toBeGreaterThan(700)
    const start = performance.now()
    sink.flush()
    expect(performance.now() - start).toBeLessThan(1000)
    sink.close()
  })

  it('ends with its reader', () => {
    const { reader, writer } = pipe()
    closeSync(reader)
    open.splice(open.indexOf(reader), 1)
    const sink = createSink(writer, { batch: 0 })
    sink.write('into the void\n')
    sink.write('again\n')
    expect(sink.dropped).toBe(1)
    sink.close()
  })
})
