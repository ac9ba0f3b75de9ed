import { implicitChecks } from '../../src/checks/implicit.ts'
import { checkKinds } from '../../src/checks/index.ts'
import { inputSchema } from '../../src/config/schema.ts'
import type { AnyCheckKind, Stage } from '../../src/core/check.ts'
import { blocksOf, keyTable } from './keys.ts'
import { anchor, code, fenced, GENERATED, page, table } from './markdown.ts'

export const STAGES: Readonly<Record<Stage, string>> = {
  head: 'head: decided before a byte of the body is read',
  body: 'body: sees the exact bytes as sent, before anything is decompressed or parsed',
  content: 'content: sees the body decompressed and understood, as the CRM will get it',
}

const COMBINED = `Its setting is a list of checks, each written as in a route's \`checks\`; another such list may stand in it, three deep
in all. What holds for the whole route can't stand in it (\`body-limit\`, \`content-type\`, \`content-encoding\`,
\`challenge\`), nor what sees the content (\`schema\`).`

/** docs/reference/checks.md */
export function checksPage(): string {
  const written = implicitChecks.map(({ kind }) => code(kind.name)).join(', ')
  return page(
    '# Checks',
    GENERATED,
    `A route's \`checks\` are a list; each entry is one check. Within a stage they run in the order written, and a check of an
earlier stage stands before those of a later one (\`sallyport check\` says where that is not so). The first refusal ends
the request. A route that does not name ${written} has them all the same, with their defaults
(\`content-encoding\` with an empty \`accept\`, so no compressed body is taken).`,
    checkTable('#'),
    ...checkKinds.map(section),
  )
}

/** Up to a full stop that ends it, and not one of an abbreviation. */
const FIRST_SENTENCE = /^.*?(?<!\.|\be\.g|\bi\.e)\.(?= [A-Z]|$)/

/** Name, stage and summary of every check; `short` is its first sentence alone. */
export function checkTable(linkTo: string, length: 'short' | 'whole' = 'whole'): string {
  const told = (summary: string): string =>
    length === 'whole' ? summary : (FIRST_SENTENCE.exec(summary)?.[0] ?? summary)
  return table(
    ['check', 'stage', 'what it does'],
    checkKinds.map(({ name, stage, summary, members }) => [
      `[${code(name)}](${linkTo}${anchor(name)})`,
      members ? 'of its list' : stage,
      told(summary),
    ]),
  )
}

function section({ name, stage, summary, example, config, denials, members }: AnyCheckKind): string {
  const blocks = members
    ? [COMBINED]
    : blocksOf(inputSchema(config)).map(({ title, rows }) =>
        [title === '' ? '' : `With ${code(title)}:`, rows.length === 0 ? 'It has no settings.' : keyTable(rows)]
          .filter(part => part !== '')
          .join('\n\n'),
      )
  const refusals = Object.entries(denials).map(([denial, { status, title, meaning, remedy }]) => [
    `[${code(denial)}](codes.md#${anchor(denial)})`,
    String(status),
    title,
    meaning,
    remedy,
  ])
  return page(
    `## ${name}`,
    summary,
    members ? 'Stage: that of the latest check in its list.' : `Stage ${STAGES[stage]}.`,
    fenced('yaml', `checks:\n  - ${example}`),
    ...blocks,
    refusals.length === 0
      ? 'It has no code of its own.'
      : table(['code', 'status', 'the sender reads', 'what it means', 'what mends it'], refusals),
  ).trimEnd()
}
