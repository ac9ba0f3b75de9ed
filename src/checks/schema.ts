import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { ALLOW, deny } from '../core/decision.ts'
import { late } from '../core/late-schema.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { type CompiledSchema, compileSchema } from './json-schema.ts'
import { evidenceOf } from './schema-evidence.ts'
import { TOO_SLOW, withinTime } from './time-limit.ts'

/** Milliseconds that one body may take, where the schema's cost is not in step with the body. */
const LIMIT_MS = 100
/** Bytes up to which a cost that grows as the square is no matter. */
const SMALL = 4096

const inline = z.record(z.string(), z.unknown()).superRefine((schema, context) => {
  try {
    compileSchema(schema)
  } catch (error) {
    context.addIssue({ code: 'custom', message: `is no usable JSON Schema: ${messageOf(error)}` })
  }
})

export const schema = defineCheck({
  name: 'schema',
  stage: 'content',
  summary:
    'Admits bodies that a JSON Schema describes (draft 2020-12, or draft-07 where $schema says so), formats included. A form is checked as the JSON that it becomes. Patterns that could backtrack without end are stopped after 100 ms.',
  example:
    'schema: { inline: { type: object, required: [id], properties: { id: { type: string }, at: { type: string, format: date-time } } } }',
  config: late(() =>
    z
      .strictObject({
        file: z.string().min(1).optional().describe('A JSON Schema file, relative to this config.'),
        inline: inline.optional().describe('The JSON Schema itself.'),
      })
      .refine(value => (value.file === undefined) !== (value.inline === undefined), 'takes one of file, inline'),
  ),
  denials: {
    'schema.invalid': {
      status: 422,
      title: 'Body not as expected',
      meaning:
        'The body is well-formed, and not what the schema describes; the evidence names the place and the keyword.',
      remedy: 'If the sender changed its format, change the schema; else mend the sender.',
    },
    'schema.too-slow': {
      status: 422,
      title: 'Body not as expected',
      meaning: 'The schema took over 100 ms for this body, so it was stopped and the body refused.',
      remedy:
        'Simplify the patterns of the schema: no repetition inside a repeated group, one open repetition a pattern, ^ in front; or bound strings and arrays with maxLength and maxItems in front of uniqueItems.',
    },
  },
  create(config, resources) {
    const { validate, cost } = config.inline ? compileSchema(config.inline) : load(config.file ?? '', resources)
    return {
      decide({ content }) {
        const value = content.value()
        const timed = cost === 'unbounded' || (cost === 'square' && content.bytes.length > SMALL)
        const valid = timed ? withinTime(() => validate(value), LIMIT_MS) : validate(value)
        if (valid === true) return ALLOW
        if (valid === TOO_SLOW) return deny('schema.too-slow', { 'limit-ms': LIMIT_MS, bytes: content.bytes.length })
        return deny('schema.invalid', evidenceOf(validate.errors, value))
      },
    }
  },
  explain: async (config, asked, resources) =>
    (await import('./explain/schema.ts')).explainSchema(config, asked, resources),
})

/** @throws Offline where the file is missing, no JSON or no schema. */
function load(file: string, resources: Resources): CompiledSchema {
  const text = resources.file(file).toString('utf8')
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw new Error('it is no JSON object')
    return compileSchema(parsed)
  } catch (error) {
    throw new Offline(
      `${file} is no usable JSON Schema: ${messageOf(error)}`,
      `mend ${file}; it is loaded again when it changes`,
    )
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
