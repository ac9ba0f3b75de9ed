import { checkTable } from './checks.ts'
import { formExamples, jsonExamples, jsonSuite } from './content.ts'
import { reservedHeaders } from './headers.ts'
import { padded } from './markdown.ts'
import { logLines, metricTable } from './operations.ts'
import { providerTable } from './providers.ts'

/** The pages written by hand that hold generated parts, by their path from the root. */
export const PAGES_WITH_BLOCKS = ['README.md', 'docs/content.md', 'docs/headers.md', 'docs/operations.md']

/** Each gives its text, or `undefined` where it can't be made here: what stands in the page stays. */
const BLOCKS: Readonly<Record<string, () => string | undefined | Promise<string | undefined>>> = {
  checks: () => checkTable('docs/reference/checks.md#', 'short'),
  providers: () => providerTable('docs/reference/providers/'),
  forms: formExamples,
  json: jsonExamples,
  'json-suite': jsonSuite,
  'reserved-headers': reservedHeaders,
  'log-lines': logLines,
  metrics: metricTable,
}

const PART = /(<!-- generated: ([a-z-]+) -->\n)([\s\S]*?)(\n<!-- end of generated -->)/g

/** The page with its generated parts made anew. */
export async function fillBlocks(text: string): Promise<string> {
  let filled = ''
  let at = 0
  for (const part of text.matchAll(PART)) {
    const [whole, begin = '', name = '', now = '', end = ''] = part
    const make = BLOCKS[name]
    if (make === undefined) throw new Error(`there is no generated part "${name}"`)
    const made = await make()
    filled += text.slice(at, part.index) + begin + (made === undefined ? now : `\n${padded(made)}\n`) + end
    at = part.index + whole.length
  }
  return filled + text.slice(at)
}
