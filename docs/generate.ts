import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { referencePages } from './pages/index.ts'

/** `npm run docs`: writes docs/reference/ anew from the source. */
const REFERENCE = join(import.meta.dirname, 'reference')

const pages = await referencePages()
rmSync(REFERENCE, { recursive: true, force: true })
for (const [path, text] of pages) {
  const file = join(REFERENCE, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}
console.log(`docs/reference: ${pages.size} pages`)
