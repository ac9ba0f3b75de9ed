import { expect, it } from 'vitest'
import { checkKinds } from '../../src/checks/index.ts'
import { pipelineDenials } from '../../src/pipeline/denials.ts'

const declared = [pipelineDenials, ...checkKinds.map(({ denials }) => denials)].flatMap(denials =>
  Object.entries(denials),
)

it.each(declared)('%s is told in ASCII that JSON holds as it stands', (code, { title, headers = [] }) => {
  // The reply counts its characters as bytes, and writes the title between quotation marks.
  for (const text of [code, title]) expect(text).toMatch(/^[ !#-[\]-~]+$/)
  for (const [name, value] of headers) expect(`${name}: ${value}`).toMatch(/^[ -~]+$/)
})
