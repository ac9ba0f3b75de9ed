import { z } from 'zod'
import { late } from '../../core/late-schema.ts'
import { type SecretRef, secretRef } from '../../core/secret.ts'
import { duration, share } from '../../core/units.ts'

export interface TelemetryConfig {
  readonly otlp: OtlpConfig
}

/** Where decisions go as OpenTelemetry traces and metrics. */
export interface OtlpConfig {
  /** Absolute URL; `/v1/traces` and `/v1/metrics` follow it. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, SecretRef>>
  readonly bearer?: SecretRef | undefined
  readonly basic?: { readonly username: string; readonly password: SecretRef } | undefined
  readonly resource: Readonly<Record<string, string>>
  /** `sample` between 0 and 1; `false`: none are sent. */
  readonly traces: false | { readonly sample: number }
  /** `every` in milliseconds; `false`: none are sent. */
  readonly metrics: false | { readonly every: number }
}

const EVERY = 60_000

/** A block of names that the operator chooses. */
const named = <V extends z.ZodType>(value: V, fits: RegExp, message: string, mend: string) =>
  z.record(z.string(), value).superRefine((block, context) => {
    for (const name of Object.keys(block))
      if (!fits.test(name)) context.addIssue({ code: 'custom', message, params: { mend }, path: [name], input: name })
  })

const headers = named(
  secretRef,
  /^[A-Za-z0-9!#$%&'*+.^`|~-]+$/,
  'is no header name',
  'write it as the receiver shows it, e.g. x-honeycomb-team',
)
const resource = named(
  z.string().max(256),
  /^[a-z][a-z0-9._]{0,127}$/,
  'is no attribute of OpenTelemetry',
  'write it as deployment.environment.name',
)

export const telemetryConfig = late(() => {
  return z
    .strictObject({
      otlp: z
        .strictObject({
          endpoint: z
            .string()
            .describe(
              'The base URL of an OTLP/HTTP receiver, e.g. http://127.0.0.1:4318; /v1/traces and /v1/metrics follow it.',
            ),
          headers: headers
            .default({})
            .describe('Header fields of each request, e.g. x-honeycomb-team, with their values by reference.'),
          bearer: secretRef.optional().describe('A bearer token for the receiver, without the word Bearer.'),
          basic: z
            .strictObject({
              username: z.string().min(1).describe('The user name; it can hold no colon.'),
              password: secretRef.describe('The password.'),
            })
            .optional()
            .describe('A user name and a password for the receiver (RFC 7617).'),
          resource: resource
            .default({})
            .describe('Attributes of the resource beside service.name, e.g. deployment.environment.name: production.'),
          traces: z
            .union([
              z.literal(false),
              z.strictObject({
                sample: share()
                  .default(1)
                  .describe(
                    'The share of traces that begin here and are recorded; one that a trusted proxy began is as it says. Default 100%.',
                  ),
              }),
            ])
            .default({ sample: 1 })
            .describe('A span for each request, and one for what was sent upstream; false: none.'),
          metrics: z
            .union([
              z.literal(false),
              z.strictObject({
                every: duration()
                  .refine(value => value >= 1000, { error: 'is below a second', params: { mend: 'write 1s or more' } })
                  .default(EVERY)
                  .describe('How often they are sent. Default 60s.'),
              }),
            ])
            .default({ every: EVERY })
            .describe("The gate's metrics, and durations by HTTP's semantic conventions; false: none."),
        })
        .describe('Sends by OTLP/HTTP, in JSON.'),
    })
    .describe('Decisions as OpenTelemetry traces and metrics. Left out: none are made.')
})
