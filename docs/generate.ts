import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fillBlocks, PAGES_WITH_BLOCKS } from './pages/blocks.ts'
import { referencePages } from './pages/index.ts'

/** `npm run docs`: writes docs/reference/ and the generated parts of other pages anew from the source. */
const ROOT = join(import.meta.dirname, '..')
const REFERENCE = join(import.meta.dirname, 'reference')

const pages = await referencePages()
rmSync(REFERENCE, { recursive: true, force: true })
for (const [path, text] of pages) {
  const file = join(REFERENCE, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
for (const path of PAGES_WITH_BLOCKS) {
  const file = join(ROOT, path)
  writeFileSync(file, await fillBlocks(readFileSync(file, 'utf8')))
}
console.log(`docs/reference: ${pages.size} pages; parts of ${PAGES_WITH_BLOCKS.join(', ')}`)
