import { z } from 'zod'
import type { AnyCheckKind } from '../core/check.ts'

const made = new WeakMap<readonly AnyCheckKind[], ReturnType<typeof make>>()

/** One entry of a list of checks: the check's name and its settings. The same schema for the same list of kinds. */
export function checkEntry(kinds: readonly AnyCheckKind[]): ReturnType<typeof make> {
  const before = made.get(kinds)
  if (before !== undefined) return before
  const schema = make(kinds)
  made.set(kinds, schema)
  return schema
}

const make = (kinds: readonly AnyCheckKind[]) =>
  z
    .strictObject({
      ...Object.fromEntries(kinds.map(kind => [kind.name, kind.config.optional().describe(kind.summary)])),
      mode: z
        .enum(['enforce', 'report'])
        .optional()
        .describe(
          'Of a check of a route: "report" counts, logs and explains what it would refuse, and refuses nothing. Default enforce.',
        ),
    })
    .meta({
      id: 'check',
      minProperties: 1,
      maxProperties: 2,
      anyOf: [
        { maxProperties: 1, not: { required: ['mode'] } },
        { minProperties: 2, required: ['mode'] },
      ],
    })
