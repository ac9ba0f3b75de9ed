import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fillBlocks, PAGES_WITH_BLOCKS } from '../../docs/pages/blocks.ts'
import { checkTable } from '../../docs/pages/checks.ts'
import { referencePages } from '../../docs/pages/index.ts'
import { checkKinds } from '../../src/checks/index.ts'
import { adminRefusals } from '../../src/console/refusal.ts'
import { pipelineDenials } from '../../src/pipeline/denials.ts'

const REFERENCE = join(import.meta.dirname, '../../docs/reference')
const MEND = 'docs/reference is stale. mend: npm run docs'
const pages = await referencePages()

describe('docs/reference', () => {
  it('has every page, and no other', () => {
    const there = readdirSync(REFERENCE, { recursive: true, encoding: 'utf8' })
      .filter(path => statSync(join(REFERENCE, path)).isFile())
      .map(path => path.replaceAll('\\', '/'))
    expect(there.sort(), MEND).toEqual([...pages.keys()].sort())
  })

  it.each([...pages])('%s is what the source says', (path, text) => {
    expect(readFileSync(join(REFERENCE, path), 'utf8'), MEND).toBe(text)
  })

  it('is made alike each time', async () => {
    expect(await referencePages()).toEqual(pages)
  })
})

describe('the codes of the gate itself', () => {
  const SRC = join(REFERENCE, '../../src')
  const source = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.ts') && !/(denials|refusal)\.ts$/.test(path))
    .map(path => readFileSync(join(SRC, path), 'utf8'))
    .join('')

  it.each(Object.keys({ ...pipelineDenials, ...adminRefusals }))('%s is answered somewhere', code => {
    expect(source, `${code} is on the page, and nothing answers it`).toContain(`'${code}'`)
  })
})

describe.each(PAGES_WITH_BLOCKS)('the generated parts of %s', path => {
  it('are what the source says', async () => {
    const text = readFileSync(join(REFERENCE, '../..', path), 'utf8')
    expect(text).toContain('<!-- generated: ')
    expect(await fillBlocks(text), `${path} is stale. mend: npm run docs`).toBe(text)
  })
})

describe('the table of checks', () => {
  it.each(checkKinds.map(({ name, summary }) => [name, summary]))('tells %s in whole sentences', (name, summary) => {
    const row = checkTable('#', 'short')
      .split('\n')
      .find(line => line.startsWith(`| [\`${name}\`]`))
    const told = row?.split('|').at(-2)?.trim() ?? ''
    expect(summary.startsWith(told)).toBe(true)
    expect(told).toMatch(/(?<!e\.g|i\.e)\.$/)
  })
})
