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
