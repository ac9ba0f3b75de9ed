import { execFileSync, spawnSync } from 'node:child_process'
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

const sallyport = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, bin.sallyport), ...args], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

it('names the option that was meant, and what a path of the command line is relative to', () => {
  expect(sallyport('check', '--plam', 'gate.yaml')).toEqual({
    status: 2,
    stdout: '',
    stderr: 'sallyport check: there is no option --plam\nmend: did you mean --plan?\n',
  })
  expect(sallyport('check', '-p', 'gate.yaml').stderr).toBe(
    'sallyport check: there is no option -p\nmend: sallyport check --help tells which there are\n',
  )
  const send = ['send', '--provider', 'github', '--url', 'http://127.0.0.1:9/', '--data', '{}', '--secret', 'file:none']
  expect(sallyport(...send).stderr).toMatch(/there is no file none\nmend: .* relative to the current folder\n/)
})

it('tells of one verb, however it is asked', () => {
  const { status, stdout } = sallyport('help', 'check')
  expect(status).toBe(0)
  expect(stdout).toBe(sallyport('check', '--help').stdout)
})

it('ends without a word where its reader has seen enough', () => {
  const line = '"$0" "$1" schema 2>&1 >/dev/null | head -c 1; { "$0" "$1" schema | head -c 1 >/dev/null; } 2>&1'
  expect(execFileSync('sh', ['-c', line, process.execPath, join(ROOT, bin.sallyport)], { encoding: 'utf8' })).toBe('')
})
