import { checkKinds } from '../../src/checks/index.ts'
import { adminRefusals } from '../../src/console/refusal.ts'
import type { DenialSpec, ReplyHeaders } from '../../src/core/decision.ts'
import { pipelineDenials } from '../../src/pipeline/denials.ts'
import { anchor, code, GENERATED, page, table } from './markdown.ts'

interface Code {
  readonly name: string
  readonly by: string
  readonly status: number
  readonly title: string
  readonly meaning: string
  readonly remedy: string
  readonly headers: ReplyHeaders
}

/** Every code there is, alphabetical. */
export function allCodes(): Code[] {
  const pipeline: readonly [string, DenialSpec][] = Object.entries(pipelineDenials)
  const codes = [
    ...checkKinds.flatMap(kind =>
      Object.entries(kind.denials).map(([name, spec]) =>
        of(name, `the check [${code(kind.name)}](checks.md#${anchor(kind.name)})`, spec),
      ),
    ),
    ...pipeline.map(([name, spec]) => of(name, 'the gate itself', spec)),
    ...Object.entries(adminRefusals).map(([name, refusal]) =>
      of(name, 'the admin listener', {
        ...refusal,
        headers: 'headers' in refusal ? Object.entries<string>(refusal.headers) : [],
      }),
    ),
  ]
  return codes.sort((a, b) => (a.name < b.name ? -1 : 1))
}

function of(name: string, by: string, { status, title, meaning, remedy, headers = [] }: DenialSpec): Code {
  return { name, by, status, title, meaning, remedy, headers }
}

/** docs/reference/codes.md */
export function codesPage(): string {
  const codes = allCodes()
  return page(
    '# Codes',
    GENERATED,
    `Every refusal has a code that does not change from version to version without a note in the changelog. The sender gets
status, title, code and request id as a problem (RFC 9457), and nothing more; the log line has the code, the evidence and
the remedy, under the same request id.`,
    table(
      ['code', 'status', 'the sender reads'],
      codes.map(({ name, status, title }) => [`[${code(name)}](#${anchor(name)})`, String(status), title]),
    ),
    ...codes.map(section),
  )
}

function section({ name, by, status, title, meaning, remedy, headers }: Code): string {
  const fields = headers.map(([field, value]) => code(`${field}: ${value}`))
  return page(
    `## ${name}`,
    `${status}, "${title}". Answered by ${by}.`,
    `**Means:** ${meaning}`,
    `**Mend:** ${remedy}`,
    fields.length === 0 ? '' : `The reply carries ${fields.join(', ')}.`,
  ).trimEnd()
}
