import type { ContentRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import { schema } from '../schema.ts'
import type { SchemaConfig } from './schema.ts'
import { attempt } from './signature-keys.ts'

/** How a value would have to be written so that the schema takes it. */
export interface NearValue {
  readonly cause: string
  /** Goes on after the place: `is one of the listed, but for upper and lower case`. */
  readonly because: string
  readonly mend: string
}

type Change = readonly [cause: string, because: string, mend: string, change: (text: string) => readonly string[]]

const CASE = 'write it in the same case in both, or list both in the schema'
const CHANGES: readonly Change[] = [
  ['value-blank', 'is taken without the blanks around it', 'let the sender trim the value', text => [text.trim()]],
  [
    'value-case',
    'is taken in another case (upper and lower)',
    CASE,
    text => [text.toLowerCase(), text.toUpperCase(), text.charAt(0).toUpperCase() + text.slice(1).toLowerCase()],
  ],
  [
    'value-separator',
    'is taken with "_", "-", "." or a blank in place of another of them',
    'write it in the same way in both, or list both in the schema',
    text => ['_', '-', '.', ' ', ''].map(separator => text.replace(/[_\-. ]/g, separator)),
  ],
  [
    'date-zone',
    'is a date and time without a zone, and is taken with one',
    'let the sender write the offset (Z for UTC, RFC 3339)',
    text => (/^\d{4}-\d\d-\d\d[T ]/.test(text) ? [`${text.replace(' ', 'T')}Z`] : []),
  ],
  [
    'date-only',
    'is a date without a time, and is taken with one',
    'let the sender write date and time, or let the schema take format: date',
    text => (/^\d{4}-\d\d-\d\d$/.test(text) ? [`${text}T00:00:00Z`] : []),
  ],
]

/** A change of the text at `path` after which the schema no longer refuses it. The body is strict JSON, so it can be copied. */
export async function nearValue(
  config: SchemaConfig,
  body: unknown,
  path: string,
  resources: Resources,
): Promise<NearValue | undefined> {
  const steps = path.match(/[^.[\]]+/g) ?? []
  const value = steps.reduce<unknown>(
    (at, step) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, step) ? Reflect.get(at, step) : undefined,
    body,
  )
  if (typeof value !== 'string' || value.length > 256) return undefined
  const check = attempt(() => schema.create(config, resources))
  if (check === undefined) return undefined
  for (const [cause, because, mend, change] of CHANGES)
    for (const text of new Set(change(value))) {
      if (text === value) continue
      const other = replaced(body, steps, text)
      const content = { bytes: Buffer.from(JSON.stringify(other)), value: () => other }
      const decision = await check.decide({ content } as Pick<ContentRequest, 'content'> as ContentRequest, {})
      const elsewhere = decision.ok === false && decision.code === 'schema.invalid' && decision.evidence?.path !== path
      if (decision.ok === true || elsewhere) return { cause, because, mend }
      // Each try costs what the request cost.
      if (decision.ok === false && decision.code === 'schema.too-slow') return undefined
    }
  return undefined
}

function replaced(body: unknown, steps: readonly string[], text: string): unknown {
  const copy: unknown = structuredClone(body)
  let at: unknown = copy
  for (const step of steps.slice(0, -1)) at = typeof at === 'object' && at !== null ? Reflect.get(at, step) : undefined
  if (typeof at === 'object' && at !== null) Reflect.set(at, steps.at(-1) ?? '', text)
  return copy
}
