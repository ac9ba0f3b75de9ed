import { z } from 'zod'
import { type AnyCheckKind, defineCheck, type Stage } from '../../src/core/check.ts'
import { ALLOW } from '../../src/core/decision.ts'
import { namedSecret, secretName } from '../../src/core/secret.ts'
import { duration, rate, size } from '../../src/core/units.ts'

/** Kinds with the shapes that a loader meets, so that its tests do not change with the settings of the real checks. */
function kind<Config>(name: string, stage: Stage, config: z.ZodType<Config>): AnyCheckKind {
  const denials = { [`${name}.no`]: { status: 403, title: 'No', meaning: 'No.', remedy: 'None.' } }
  return defineCheck({
    name,
    stage,
    summary: `The ${name} of a test.`,
    example: '{}',
    config,
    denials,
    create: () => ({ decide: () => ALLOW }),
  })
}

const preset = z.strictObject({
  provider: z.enum(['github', 'telegram', 'zendesk']).describe('The service that signs.'),
  secrets: z.array(namedSecret).min(1),
  tolerance: duration().default(300_000),
})
const spelledOut = z.strictObject({
  scheme: z.literal('hmac'),
  algorithm: z.enum(['sha1', 'sha256', 'sha512']),
  header: z.string(),
  secrets: z.array(namedSecret).min(1),
  tolerance: duration().optional(),
})

export const kinds: readonly AnyCheckKind[] = [
  kind('source-ip', 'head', z.strictObject({ allow: z.array(z.string()) })),
  kind(
    'rate-limit',
    'head',
    z.strictObject({
      rate: rate(),
      burst: z.int().min(1).default(10),
      by: z.enum(['source-ip', 'principal', 'route']).default('source-ip'),
    }),
  ),
  kind('body-limit', 'head', z.strictObject({ max: size().default(1_048_576) })),
  kind(
    'bearer',
    'head',
    z.strictObject({ tokens: z.array(namedSecret).min(1), scopes: z.array(secretName).default([]) }),
  ),
  kind('client-cert', 'head', z.strictObject({ allow: z.array(z.strictObject({ dns: z.string() })).optional() })),
  kind('signature', 'body', z.union([preset, spelledOut])),
  kind('replay', 'body', z.strictObject({ window: duration().default(600_000) })),
  kind(
    'schema',
    'content',
    z
      .strictObject({ file: z.string().optional(), inline: z.record(z.string(), z.unknown()).optional() })
      .refine(value => (value.file === undefined) !== (value.inline === undefined), 'takes one of file, inline'),
  ),
]
