import { z } from 'zod'
import { late } from '../core/late-schema.ts'
import { size } from '../core/units.ts'

/** The form in which an upstream wants the body. */
export interface BodyConfig {
  readonly as: 'json' | 'form'
  /** Bytes above which it is compressed. */
  readonly compress?: { readonly coding: 'gzip'; readonly above: number } | undefined
  /** Bytes that the upstream takes, before compression. */
  readonly max?: number | undefined
  readonly truncate?: { readonly fields: readonly string[]; readonly marker: string } | undefined
}

const MARKER = '[truncated]'
const ABOVE = 16 * 1024

export const bodyConfig = late(() =>
  z
    .strictObject({
      as: z
        .enum(['json', 'form'])
        .default('json')
        .describe('What the upstream takes: JSON, or a form (application/x-www-form-urlencoded). Default json.'),
      compress: z
        .strictObject({
          coding: z.literal('gzip').default('gzip').describe('The content coding. Default gzip.'),
          above: size().default(ABOVE).describe('Bodies above this size are compressed. Default 16KiB.'),
        })
        .optional()
        .describe('Compress what is sent, where that makes it smaller.'),
      max: size()
        .optional()
        .describe('The largest body that the upstream takes, before compression; a larger one is 413.'),
      truncate: z
        .strictObject({
          fields: z
            .array(
              z
                .string()
                .regex(
                  /^[^.]+(\.[^.]+)*$/,
                  'a member of the JSON body, or members with a dot between each two, e.g. data.text',
                ),
            )
            .min(1)
            .describe('Members whose text may be cut, e.g. data.text; the first is cut first.'),
          marker: z.string().max(200).default(MARKER).describe('What stands where the text was cut.'),
        })
        .optional()
        .describe('Cut these texts where the body is larger than max, as far as needed.'),
    })
    .refine(
      ({ max, truncate }) => truncate === undefined || max !== undefined,
      'needs max to truncate for: add the size that the upstream takes',
    ),
)
