import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { FileWatch, SeenFiles, see } from '../../src/gateway/watch.ts'

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

it('keeps a file as it was when it was first to be read', () => {
  const seen = new SeenFiles()
  seen.note(file)
  const before = see(file)
  writeFileSync(file, 'two')
  seen.note(file)
  expect(seen.all.get(file)?.digest).toBe(before.digest)
})

/** Runs with a watch that looks every ten seconds of fake timers, and with what it told. */
function watching(run: (watch: FileWatch, told: readonly string[]) => void): void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const told: string[] = []
  const watch = new FileWatch(files => told.push(...files))
  try {
    run(watch, told)
  } finally {
    watch.close()
    vi.useRealTimers()
  }
}

it('finds by its own looks what changed between being read and being watched', () => {
  watching((watch, told) => {
    const seen = new SeenFiles()
    seen.note(file)
    writeFileSync(file, 'two')
    watch.set(seen.all)
    vi.advanceTimersByTime(LATER_MS)
    expect(told).toEqual([file])
    vi.advanceTimersByTime(LATER_MS)
    expect(told).toEqual([file])
  })
})

it('watches more files beside those that it watches, each as it was seen first', () => {
  watching((watch, told) => {
    const other = join(folder, 'other.txt')
    const [first, more] = [new SeenFiles(), new SeenFiles()]
    first.note(file)
    watch.set(first.all)
    writeFileSync(file, 'two')
    for (const each of [file, other]) more.note(each)
    watch.add(more.all)
    writeFileSync(other, 'one')
    vi.advanceTimersByTime(LATER_MS)
    expect(told.toSorted()).toEqual([file, other].toSorted())
  })
})

it('watches nothing once it is closed', () => {
  watching((watch, told) => {
    const seen = new SeenFiles()
    seen.note(file)
    watch.close()
    watch.set(seen.all)
    writeFileSync(file, 'two')
    vi.advanceTimersByTime(LATER_MS)
    expect(told).toEqual([])
  })
})

/** For a process of its own: it takes every descriptor that it may have. */
const WITHOUT_DESCRIPTORS = `
import { closeSync, openSync, writeSync } from 'node:fs'
import { see } from ${JSON.stringify(new URL('../../src/gateway/watch.ts', import.meta.url).href)}
const [file] = process.argv.slice(1)
const before = see(file)
const writer = openSync(file, 'a')
const taken = []
try {
  for (;;) taken.push(openSync('/dev/null', 'r'))
} catch {}
writeSync(writer, 'more')
const short = see(file, before) === before
for (const each of taken) closeSync(each)
console.log(short, see(file, before).digest !== before.digest)
`

it.runIf(process.platform === 'linux')(
  'takes a file that it has no descriptor to read by for what it was, not for gone',
  () => {
    const script = ['--input-type=module', '-e', WITHOUT_DESCRIPTORS, file]
    const { stdout, stderr } = spawnSync('sh', ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, ...script])
    expect(`${stdout}${stderr}`).toBe('true true\n')
  },
)
