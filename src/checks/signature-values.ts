import { z } from 'zod'
import { duration } from '../core/units.ts'

/** Values that several forms of a signature's config have. */

export const member = z
  .string()
  .regex(/^[^.]+(\.[^.]+)*$/, 'a member of the JSON body, or members with a dot between each two, e.g. data.id')

export const tolerance = duration()
  .refine(ms => ms > 0, 'must be longer than nothing')
  .optional()
  .describe('How old or how far ahead a signed timestamp may be. Default 5m.')
