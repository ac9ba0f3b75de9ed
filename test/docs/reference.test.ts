import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { fillBlocks, PAGES_WITH_BLOCKS } from '../../docs/pages/blocks.ts'
import { referencePages } from '../../docs/pages/index.ts'

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

describe.each(PAGES_WITH_BLOCKS)('the generated parts of %s', path => {
  it('are what the source says', async () => {
    const text = readFileSync(join(REFERENCE, '../..', path), 'utf8')
    expect(text).toContain('<!-- generated: ')
    expect(await fillBlocks(text), `${path} is stale. mend: npm run docs`).toBe(text)
  })
})
