import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { handleReads, readTogether, writeTogether } from '../../src/core/turn.ts'

class Wire extends Duplex {
  readonly #told: string[]
  constructor(told: string[]) {
    super({ decodeStrings: false })
    this.#told = told
  }
  override _read(): void {}
  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.#told.push(chunk.toString())
    done()
  }
}
const socket = (told: string[]) => new Wire(told) as unknown as Parameters<typeof writeTogether>[0]

describe('one turn of the event loop', () => {
  it('handles what was read in order, then what follows from it, then writes', async () => {
    const told: string[] = []
    const out = socket(told)
    for (const name of ['a', 'b'])
      readTogether(
        'requests',
        (bytes, from, end) => {
          told.push(`${name} ${bytes.toString('latin1', from, end)}`)
          Promise.resolve().then(() => {
            told.push(`${name} follows`)
            writeTogether(out, `${name} is written`)
          })
        },
        Buffer.from('read it'),
        4,
        false,
      )
    expect(told).toEqual([])
    await turn()
    await turn()
    expect(told).toEqual(['a read', 'b read', 'a follows', 'b follows', 'a is written', 'b is written'])
  })

  it('handles answers before requests: what one of them frees serves the other', async () => {
    const told: string[] = []
    readTogether('requests', () => told.push('request'), Buffer.alloc(1), 1, true)
    readTogether('answers', () => told.push('answer'), Buffer.alloc(1), 1, true)
    await turn()
    expect(told).toEqual(['answer', 'request'])
  })

  it('keeps bytes that are written over, and hands large ones over at once behind those before', () => {
    const told: string[] = []
    const buffer = Buffer.alloc(8 * 1024, 'x')
    const tell = (bytes: Buffer, from: number, end: number) => told.push(`${bytes[from]} ${end - from}`)
    readTogether('requests', tell, buffer.fill(1), 3, true)
    readTogether('requests', tell, buffer.fill(2), 4, true)
    expect(told).toEqual([])
    readTogether('requests', tell, buffer.fill(3), 5000, true)
    expect(told).toEqual(['1 3', '2 4', '3 5000'])
  })

  it('keeps a bounded number', () => {
    let handled = 0
    for (let i = 0; i < 1000; i++) readTogether('requests', () => handled++, Buffer.alloc(4096), 4096, true)
    expect(handled).toBeGreaterThan(900)
    handleReads()
    expect(handled).toBe(1000)
    const told: string[] = []
    for (let i = 0; i < 1000; i++) writeTogether(socket(told), String(i))
    expect(told.length).toBeGreaterThan(900)
    expect(told.slice(0, 3)).toEqual(['0', '1', '2'])
  })

  it('handles each once where a reader asks for it too', () => {
    const told: string[] = []
    for (const name of ['a', 'b', 'c'])
      readTogether(
        'requests',
        () => {
          told.push(name)
          handleReads()
        },
        Buffer.alloc(1),
        1,
        true,
      )
    handleReads()
    expect(told).toEqual(['a', 'b', 'c'])
  })

  it('writes before an end what was to be written before it', async () => {
    const told: string[] = []
    const out = new Wire(told)
    writeTogether(out as unknown as Parameters<typeof writeTogether>[0], 'first')
    out.end('last')
    await turn()
    expect(told).toEqual(['first', 'last'])
  })
})
