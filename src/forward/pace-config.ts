import { z } from 'zod'
import { late } from '../core/late-schema.ts'
import { duration, type Rate, rate } from '../core/units.ts'
import type { BreakerSettings } from './breaker.ts'
import { fieldName } from './field-names.ts'
import { RETRIED, type RetrySettings } from './retry.ts'

/** The receiver's documented limit, and how long a request waits for its turn. */
export interface PaceConfig {
  readonly rate: Rate
  readonly burst?: number | undefined
  /** Milliseconds. */
  readonly 'max-wait': number
  readonly 'max-queue': number
  readonly shared?: string | undefined
}

export const MAX_WAIT = 10_000
export const MAX_QUEUE = 1_000

const BACKOFF = { first: 250, max: 10_000 }
const above = (what: z.ZodType<number>) => what.refine(ms => ms > 0, 'must be longer than nothing: write e.g. 250ms')

export const paceConfig = late(() =>
  z.strictObject({
    rate: rate()
      .refine(({ count }) => count <= 1_000_000, 'is more than can be counted: write it for a shorter period')
      .describe('How many requests a period the upstream allows. It is never sent more.'),
    burst: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe('How many may go at once. Default: the count of the rate.'),
    'max-wait': duration().default(MAX_WAIT).describe('How long a request waits for its turn; then 503. Default 10s.'),
    'max-queue': z
      .int()
      .min(0)
      .max(100_000)
      .default(MAX_QUEUE)
      .describe('How many requests wait at most; one more is refused with 503. Default 1000.'),
    shared: z
      .string()
      .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, "-", "_" and ".", at most 64')
      .optional()
      .describe('Routes with the same name here share one count: for an upstream whose limit is for all of them.'),
  }),
)

export const concurrencyConfig = z.int().min(1).max(10_000)

export const retryConfig: z.ZodType<RetrySettings> = late(() =>
  z.strictObject({
    attempts: z
      .int()
      .min(2)
      .max(20)
      .default(3)
      .describe('How often a request is sent at most, the first included. Default 3.'),
    backoff: z
      .strictObject({
        first: above(duration())
          .default(BACKOFF.first)
          .describe('The longest first wait; it doubles each time. Default 250ms.'),
        max: above(duration()).default(BACKOFF.max).describe('The longest wait of all. Default 10s.'),
      })
      .default(BACKOFF)
      .describe('How long it waits before each; any time up to these, by chance.'),
    on: z
      .array(z.literal(RETRIED))
      .min(1)
      .default([...RETRIED])
      .describe(
        'After what: no connection (connect), or these statuses. What the upstream may have received is sent again only where method or idempotency-key allow it, and after a 429. Default [connect, 429, 502, 503, 504].',
      ),
    // X-Request-Id holds what the key would.
    'idempotency-key': fieldName('the service does, e.g. Idempotency-Key', 'x-request-id')
      .optional()
      .describe(
        "The field by which the upstream knows a request that it has done already: then POST and PATCH are sent again too. The sender's value where pass-headers passes it, else the request id.",
      ),
  }),
)

export const breakerConfig: z.ZodType<BreakerSettings> = late(() =>
  z.strictObject({
    failures: z
      .int()
      .min(1)
      .max(10_000)
      .default(5)
      .describe('So many failures open it: no answer, or 502, 503, 504. Default 5.'),
    within: above(duration()).default(30_000).describe('The time in which they are counted. Default 30s.'),
    rest: above(duration())
      .default(15_000)
      .describe(
        'How long it sends nothing; then one request at a time tries whether the upstream is back. Default 15s.',
      ),
  }),
)
