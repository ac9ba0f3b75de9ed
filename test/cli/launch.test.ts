import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { olderNode } from '../support/older-node.ts'

const ROOT = join(import.meta.dirname, '../..')
const { bin, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))

it.skipIf(olderNode === undefined)('an older Node hands over to the one that the checkout brings', () => {
  const said = execFileSync(olderNode ?? '', [join(ROOT, bin.sallyport), '--version'], { encoding: 'utf8' })
  expect(said.trim()).toBe(version)
})

it('ends without a word where its reader has seen enough', () => {
  const line = '"$0" "$1" schema 2>&1 >/dev/null | head -c 1; { "$0" "$1" schema | head -c 1 >/dev/null; } 2>&1'
  expect(execFileSync('sh', ['-c', line, process.execPath, join(ROOT, bin.sallyport)], { encoding: 'utf8' })).toBe('')
})
