import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const COPIED = ['src', 'test/checks', 'test/config', 'test/golden', 'test/support', 'test/architecture.test.ts', 'docs']
const SETTINGS = ['package.json', 'tsconfig.json', 'biome.json', 'vitest.config.ts', '.gitignore']
let copy: string

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'new-check-'))
  for (const path of [...COPIED, ...SETTINGS]) cpSync(join(ROOT, path), join(copy, path), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  run('git', ['init', '--quiet'])
})
afterAll(() => rmSync(copy, { recursive: true }))

function run(command: string, args: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: copy,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  return { status, output: stdout + stderr }
}
const newCheck = (...names: string[]) => run(process.execPath, ['docs/new-check.ts', ...names])
const tool = (path: string, ...args: string[]) => run(process.execPath, [join('node_modules', path), ...args])

describe('new:check', () => {
  it('writes checks that pass types, lint and tests as they stand', () => {
    for (const name of ['max-age', 'in', 'a-check-with-a-name-that-is-rather-long']) {
      const { status, output } = newCheck(name)
      expect(output).toContain(`src/checks/${name}.ts`)
      expect(status).toBe(0)
    }
    expect(readFileSync(join(copy, 'src/checks/index.ts'), 'utf8')).toMatch(
      /import \{ maxAge \} from '.\/max-age.ts'[\s\S]*\bmaxAge\b[\s\S]*\binCheck\b/,
    )
    const types = tool('typescript/bin/tsc', '-p', 'tsconfig.json').output.split('\n')
    expect(types.filter(line => line.includes('/checks/'))).toEqual([])
    const lint = tool('@biomejs/biome/bin/biome', 'check', '--error-on-warnings', 'src/checks', 'test/checks')
    expect(lint.status, lint.output).toBe(0)
    const tests = tool(
      'vitest/vitest.mjs',
      'run',
      'test/checks/max-age.test.ts',
      'test/checks/in.test.ts',
      'test/checks/index.test.ts',
      'test/checks/head.explain.test.ts',
      'test/config/golden-checks.test.ts',
      'test/architecture.test.ts',
    )
    expect(tests.status, tests.output).toBe(0)
    expect(tests.output).not.toContain('no tests')
  }, 180_000)

  it.each([
    [['content-type'], 'is there already'],
    [['Bad_Name'], 'is no name for a check'],
    [['../evil'], 'is no name for a check'],
    [[], 'takes one name'],
    [['a', 'b'], 'takes one name'],
  ])('refuses %j and changes nothing', (names, sentence) => {
    const index = readFileSync(join(copy, 'src/checks/index.ts'), 'utf8')
    const { status, output } = newCheck(...names)
    expect(status).toBe(1)
    expect(output).toContain(sentence)
    expect(output).toContain('mend: ')
    expect(readFileSync(join(copy, 'src/checks/index.ts'), 'utf8')).toBe(index)
  })
})
