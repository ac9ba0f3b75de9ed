import type { Explaining } from '../../core/captured.ts'
import type { Finding } from '../../core/finding.ts'
import type { BodyRequest, ContentRequest } from '../../core/request.ts'
import type { Resources } from '../../core/resources.ts'
import { schema } from '../schema.ts'
import { likely, possible, proven } from './finding.ts'
import { typeMismatch } from './schema-type.ts'
import { nearValue } from './schema-value.ts'
import { attempt } from './signature-keys.ts'

export interface SchemaConfig {
  readonly file?: string | undefined
  readonly inline?: Record<string, unknown> | undefined
}

const MOST_VISITED = 20_000
const MOST_DEPTH = 16
/** Bytes of a body that is copied for every value that is tried. */
const MOST_REWRITTEN = 256 * 1024

/** What of the body is not as the schema has it, and where what it wants may stand instead. Values are never told. */
export async function explainSchema(
  own: SchemaConfig,
  { request, refusal, elsewhere, cut }: Explaining<SchemaConfig>,
  resources: Resources,
): Promise<readonly Finding[]> {
  if (refusal.code !== 'schema.invalid') return []
  const { path, keyword, near, message } = refusal.evidence ?? {}
  const where = String(path ?? '$')
  const evidence = { path: where, keyword: String(keyword ?? '') }
  const tell = (make: typeof proven, cause: string, because: string, mend: string): Finding =>
    make({ cause: `schema.${cause}`, because, evidence, mend })
  const body = cut ? undefined : request.peekJson()
  const findings: Finding[] = []
  if (keyword === 'required') {
    if (typeof near === 'string')
      findings.push(
        tell(
          proven,
          'other-name',
          `the field ${where} is missing, and ${near} is there`,
          `let the sender call it ${lastOf(where)}, or change the name in the schema`,
        ),
      )
    else {
      const found = body === undefined ? [] : placesOf(body, lastOf(where)).filter(place => place !== where)
      const wrapped = found.find(
        place => place.endsWith(`.${where}`) || place.endsWith(`]${where.startsWith('[') ? '' : '.'}${where}`),
      )
      if (wrapped !== undefined)
        findings.push(
          tell(
            proven,
            'wrapped',
            `the field ${where} is missing, and ${wrapped} is there: the event stands inside ${wrapped.slice(0, -where.length).replace(/\.$/, '')}`,
            'let the schema describe the wrapping, or the sender send the event itself',
          ),
        )
      else if (found[0] !== undefined)
        findings.push(
          tell(
            likely,
            'elsewhere',
            `the field ${where} is missing, and ${found[0]} is there`,
            'let the schema look for it there, if it is the same',
          ),
        )
    }
  }
  if (keyword === 'type') {
    const { because, mend } = typeMismatch(where, String(message ?? ''), body)
    findings.push(tell(proven, 'type', because, mend))
  }
  for (const { route, config: theirs, resources: world } of elsewhere)
    if (!cut && (await admits(theirs, request, world)))
      findings.push(
        tell(
          proven,
          'other-route',
          `the schema of the route ${route} admits this body`,
          `mend the URL in the sender if the event is meant for ${route}`,
        ),
      )
  if (findings.length > 0) return findings
  if (keyword === 'required')
    return [
      tell(proven, 'missing', `the field ${where} is missing`, 'let the sender write it, or take it out of required'),
    ]
  if (keyword === 'additionalProperties' || keyword === 'unevaluatedProperties')
    return [
      tell(
        proven,
        'unwanted',
        `the field ${where} is there, and the schema takes no others than its own`,
        'add it to properties, or allow additionalProperties: senders add fields without a word',
      ),
    ]
  const small = request.raw.length <= MOST_REWRITTEN
  const nearby = body === undefined || !small ? undefined : await nearValue(own, body, where, resources)
  if (nearby) return [tell(proven, nearby.cause, `${where} ${nearby.because}`, nearby.mend)]
  if (keyword === 'enum' || keyword === 'const')
    return [
      tell(
        proven,
        'other-value',
        `the value of ${where} is none that the schema lists`,
        'add the value to the schema if it is a new one of the sender',
      ),
    ]
  const [cause, mend] = VALUES[String(keyword)] ?? []
  if (cause !== undefined && mend !== undefined) return [tell(proven, cause, `${where} ${String(message)}`, mend)]
  return [
    tell(
      possible,
      'other',
      `${where} ${String(message ?? 'is not as the schema describes it')}`,
      'change the schema if the sender is right; else mend the sender',
    ),
  ]
}

const RANGE = ['value', 'widen the schema if the sender is right; else mend the sender'] as const
/** What keywords about a value say of it. */
const VALUES: Readonly<Record<string, readonly [cause: string, mend: string]>> = {
  format: ['format', 'let the sender write it in that format, or take the format out of the schema'],
  pattern: ['value', 'change the pattern if the sender is right; else mend the sender'],
  ...Object.fromEntries(
    ['minLength', 'maxLength', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'].map(name => [
      name,
      RANGE,
    ]),
  ),
  ...Object.fromEntries(
    ['minItems', 'maxItems', 'uniqueItems', 'minProperties', 'maxProperties'].map(name => [name, RANGE]),
  ),
}

async function admits(config: SchemaConfig, request: BodyRequest, resources: Resources): Promise<boolean> {
  const value = request.peekJson()
  if (value === undefined) return false
  const asContent = { content: { bytes: request.raw, value: () => value } } as Pick<
    ContentRequest,
    'content'
  > as ContentRequest
  const decision = await attempt(() => schema.create(config, resources).decide(asContent, {}))
  return decision?.ok === true
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/** Where else in the body a member has that name, the nearest to its root first. */
function placesOf(body: unknown, name: string): readonly string[] {
  const places: string[] = []
  let level: (readonly [path: string, value: unknown])[] = [['', body]]
  let visited = 0
  for (let depth = 0; depth < MOST_DEPTH && level.length > 0; depth++) {
    const next: (readonly [string, unknown])[] = []
    for (const [path, value] of level) {
      if (typeof value !== 'object' || value === null) continue
      for (const [key, inner] of Object.entries(value)) {
        if (++visited > MOST_VISITED) return places
        const place = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
        if (!Array.isArray(value) && key === name) places.push(place.slice(0, 200))
        next.push([place, inner])
      }
    }
    level = next
  }
  return places
}
