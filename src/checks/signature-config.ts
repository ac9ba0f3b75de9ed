import { z } from 'zod'
import { namedSecret, nameOfSecret } from '../core/secret.ts'
import { duration } from '../core/units.ts'
import { providerOf, providers } from '../signing/index.ts'
import { Template, TemplateFault } from '../signing/template.ts'
import { headerName } from './header-name.ts'
import {
  checkMessageSignature,
  type MessageSignatureConfig,
  messageSignatureConfig,
} from './message-signature-config.ts'

const secrets = z
  .array(namedSecret)
  .min(1)
  .superRefine((list, context) => {
    const names = list.map(nameOfSecret)
    for (const [index, name] of names.entries())
      if (names.indexOf(name) < index)
        context.addIssue({
          code: 'custom',
          path: [index],
          message: `a second secret is called "${name}": give each a name of its own, as logs and metrics show it`,
        })
  })
  .describe(
    'The secrets by reference. Any of them verifies, so that one can replace another; each may have a name and an end.',
  )

const tolerance = duration()
  .refine(ms => ms > 0, 'must be longer than nothing')
  .optional()
  .describe('How old or how far ahead a signed timestamp may be. Default 5m.')

const preset = z.strictObject({
  provider: z.enum(providers.map(provider => provider.id) as [string, ...string[]]).describe('The service that sends.'),
  secrets,
  tolerance,
})

const eventId = z.union([
  z.strictObject({ header: headerName.describe('The header that holds it.') }),
  z.strictObject({
    json: z
      .string()
      .regex(/^[^.]+(\.[^.]+)*$/, 'a member of the JSON body, or members with a dot between each two, e.g. data.id')
      .describe('The member of the JSON body that holds it, e.g. data.id.'),
  }),
])

const spelledOut = z.strictObject({
  scheme: z.literal('hmac').describe('An HMAC, for a service that is no provider here.'),
  algorithm: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).default('sha256').describe('The hash. Default sha256.'),
  header: headerName.describe('The header that holds the signature.'),
  encoding: z
    .enum(['hex', 'base64', 'base64url'])
    .default('hex')
    .describe('How the signature is written. Default hex.'),
  prefix: z.string().default('').describe('What stands before the signature, e.g. "sha256=".'),
  payload: z
    .string()
    .default('{body}')
    .superRefine((text, context) => {
      try {
        new Template(text)
      } catch (error) {
        if (!(error instanceof TemplateFault)) throw error
        context.addIssue({ code: 'custom', message: error.message })
      }
    })
    .describe(
      'What is signed: {body}, and around it {timestamp}, {id}, {method}, {url}, {path}, {query}, {header:NAME}. Default {body}.',
    ),
  timestamp: z
    .strictObject({
      header: headerName.describe('The header that holds the signed timestamp.'),
      unit: z
        .enum(['s', 'ms', 'iso'])
        .default('s')
        .describe('Seconds or milliseconds since 1970, or RFC 3339 text. Default s.'),
    })
    .optional()
    .describe('The signed timestamp, where there is one; payload then names {timestamp}.'),
  id: z
    .strictObject({ header: headerName.describe("The header that holds the event's signed id.") })
    .optional()
    .describe('The signed id, where there is one; payload then names {id}.'),
  'event-id': eventId.optional().describe("Where the sender's id of the event stands."),
  tolerance,
  secrets,
})

export type SpelledOutConfig = z.output<typeof spelledOut>
export type SignatureConfig = z.output<typeof preset> | SpelledOutConfig | MessageSignatureConfig

/** What stands under `signature` in a config: a service by name, or a scheme spelled out. */
export const signatureConfig = z.union([preset, spelledOut, messageSignatureConfig]).superRefine(crossCheck)

function crossCheck(config: SignatureConfig, context: z.RefinementCtx): void {
  if ('provider' in config) {
    if (config.tolerance !== undefined && providerOf(config.provider)?.scheme.tolerance === undefined)
      context.addIssue({
        code: 'custom',
        path: ['tolerance'],
        message: `${config.provider} signs no timestamp, so there is nothing to tolerate: leave it out, and add replay`,
      })
    return
  }
  if (config.scheme === 'http-message-signature') {
    checkMessageSignature(config, context)
    return
  }
  const template = config.payload
  if (config.timestamp && !template.includes('{timestamp}'))
    context.addIssue({
      code: 'custom',
      path: ['payload'],
      message: 'the timestamp is not part of what is signed, so anyone can renew it: add {timestamp}',
    })
  if (!config.timestamp && template.includes('{timestamp}'))
    context.addIssue({
      code: 'custom',
      path: ['payload'],
      message: 'names {timestamp}, and nothing says where it stands: add timestamp: { header, unit }',
    })
  if (config.id && !template.includes('{id}'))
    context.addIssue({
      code: 'custom',
      path: ['payload'],
      message: 'the id is not part of what is signed: add {id}, or use event-id',
    })
  if (!config.id && template.includes('{id}'))
    context.addIssue({
      code: 'custom',
      path: ['payload'],
      message: 'names {id}, and nothing says where it stands: add id: { header }',
    })
  if (config.tolerance !== undefined && !config.timestamp)
    context.addIssue({
      code: 'custom',
      path: ['tolerance'],
      message: 'there is no signed timestamp to tolerate: leave it out, or add timestamp',
    })
}
