import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { see } from '../../src/gateway/watch.ts'

/** When no two writings can have had the same time any more. */
const LATER_MS = 10_000
/** Kernels count the times of files in ticks. */
const TICK_MS = 20

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'))
  file = join(folder, 'tokens.txt')
  writeFileSync(file, 'one')
})
afterEach(() => rmSync(folder, { recursive: true }))

const later = () => Date.now() + LATER_MS

it('does not read a file again that the file system knows to be the same', () => {
  const before = see(file, undefined, later())
  expect(see(file, before, later())).toBe(before)
})

it('reads a file again that was written a moment ago', () => {
  const before = see(file)
  expect(before.mark).toBeUndefined()
  const now = see(file, before)
  expect(now).not.toBe(before)
  expect(now.digest).toBe(before.digest)
})

it('sees another content of the same length and with the same time of writing', async () => {
  const { atime, mtime } = statSync(file)
  const before = see(file, undefined, later())
  await wait(TICK_MS)
  writeFileSync(file, 'two')
  utimesSync(file, atime, mtime)
  expect(see(file, before, later()).digest).not.toBe(before.digest)
})

it('tells the same content of a file that was written again', () => {
  const before = see(file, undefined, later())
  utimesSync(file, 1, 1)
  const now = see(file, before, later())
  expect(now.digest).toBe(before.digest)
  expect(now.mark).not.toBe(before.mark)
})

it('sees a file go and come', () => {
  const before = see(file, undefined, later())
  rmSync(file)
  const gone = see(file, before, later())
  expect(gone.digest).not.toBe(before.digest)
  writeFileSync(file, 'one')
  expect(see(file, gone, later()).digest).toBe(before.digest)
})

it('sees a name come into a folder', () => {
  const before = see(folder, undefined, later())
  mkdirSync(join(folder, 'more'))
  expect(see(folder, before, later()).digest).not.toBe(before.digest)
})

it('tells a file of more than a piece from one that differs in its last byte', () => {
  const long = Buffer.alloc(3 * 1024 * 1024 + 1, 'a')
  writeFileSync(file, long)
  const before = see(file, undefined, later())
  long[long.length - 1] = 0x62
  writeFileSync(file, long)
  expect(see(file, before, later()).digest).not.toBe(before.digest)
})
