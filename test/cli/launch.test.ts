import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const { bin, engines, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

/** A Node of the system that is too old to run the gate itself. */
const older = (process.env.PATH ?? '')
  .split(delimiter)
  .map(folder => join(folder, 'node'))
  .find(path => !path.includes('node_modules') && existsSync(path) && isOld(path))

function isOld(path: string): boolean {
  const major = Number(/\d+/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[0])
  return major < Number(/\d+/.exec(engines.node)?.[0])
}

it.skipIf(older === undefined)('an older Node hands over to the one that the checkout brings', () => {
  const said = execFileSync(older ?? '', [join(ROOT, bin.sallyport), '--version'], { encoding: 'utf8' })
  expect(said.trim()).toBe(version)
})

it('ends without a word where its reader has seen enough', () => {
  const line = '"$0" "$1" schema 2>&1 >/dev/null | head -c 1; { "$0" "$1" schema | head -c 1 >/dev/null; } 2>&1'
  expect(execFileSync('sh', ['-c', line, process.execPath, join(ROOT, bin.sallyport)], { encoding: 'utf8' })).toBe('')
})
