import { z } from 'zod'
import { late } from '../core/late-schema.ts'
import { ENCODINGS } from '../signing/encoding.ts'
import { ASYMMETRIC } from '../signing/operation.ts'
import { SECRET_WRITINGS } from '../signing/secret-bytes.ts'
import { Template, TemplateFault } from '../signing/template.ts'
import { headerName } from './header-name.ts'
import { keys, secrets } from './signature-keys.ts'
import { member, tolerance } from './signature-values.ts'

/** A scheme for a service that is no provider here. */
export const spelledOut = late(() => {
  const text = z.string().min(1)
  const eventId = z.union([
    z.strictObject({ header: headerName.describe('The header that holds it.') }),
    z.strictObject({ json: member.describe('The member of the JSON body that holds it, e.g. data.id.') }),
  ])
  const field = z.union([
    z.strictObject({ json: member.describe('The member of the JSON body that holds it, e.g. signature.value.') }),
    z.strictObject({ form: text.describe('The field of the form that holds it.') }),
  ])
  const id = z.union([
    z.strictObject({ header: headerName.describe("The header that holds the event's signed id.") }),
    z.strictObject({ json: member.describe("The member of the JSON body that holds the event's signed id.") }),
  ])
  const list = z
    .strictObject({
      separator: z
        .enum([',', ' ', ';', '&'])
        .default(',')
        .describe('What stands between two entries; blanks behind it are passed over. Default ",".'),
      tag: text.describe(
        'What stands before each signature, e.g. "v1=". Entries that begin otherwise are passed over.',
      ),
      'timestamp-tag': text
        .optional()
        .describe('What stands before the timestamp, where it is in the list, e.g. "t=".'),
    })
    .optional()
    .describe(
      'Where the value holds several signatures, or signature and timestamp: any signature that matches counts.',
    )
  const timestamp = z
    .strictObject({
      header: headerName.optional().describe('The header that holds the signed timestamp.'),
      json: member.optional().describe('The member of the JSON body that holds it.'),
      unit: z
        .enum(['s', 'ms', 'iso'])
        .default('s')
        .describe('Seconds or milliseconds since 1970, or RFC 3339 text. Default s.'),
    })
    .optional()
    .describe('The signed timestamp, where there is one; payload then names {timestamp}.')
  /** Braces, names, and what they name; whether it binds the body is for the rules beside this file. */
  const payload = z
    .string()
    .default('{body}')
    .superRefine((written, context) => {
      const message = templateFault(written, true)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .describe(
      'What is signed: {body}, and around it {timestamp}, {id}, {method}, {url}, {path}, {query}, {header:NAME}, {json:MEMBER}, {form:FIELD}; in place of the body {form:sorted} (names and values, sorted by name, nothing between them) or its digest, e.g. {sha256:body} in hex or {md5:body:base64}. Default {body}.',
    )
  return z.strictObject({
    scheme: z
      .enum(['hmac', ...ASYMMETRIC])
      .describe('How it signs, for a service that is no provider here: with a secret (hmac), or with a private key.'),
    algorithm: z
      .enum(['sha1', 'sha256', 'sha384', 'sha512'])
      .default('sha256')
      .describe('The hash of hmac; of rsa-pss, sha256 or sha512. Default sha256.'),
    'ecdsa-form': z
      .enum(['der', 'ieee-p1363'])
      .optional()
      .describe('How ecdsa-p256 writes a signature: der (ASN.1), or ieee-p1363 (64 bytes, as JOSE does). Default der.'),
    header: headerName.optional().describe('The header that holds the signature.'),
    field: field.optional().describe('The field of the body that holds the signature, where no header does.'),
    encoding: z
      .enum(ENCODINGS)
      .default('hex')
      .describe('How the signature is written; hex in lower case, hex-upper in upper case. Default hex.'),
    prefix: z.string().default('').describe('What stands before the signature, e.g. "sha256=".'),
    list,
    payload,
    signs: z
      .enum(['body', 'part'])
      .default('body')
      .describe(
        'What of the body is signed: all of it, or a part, where the sender signs some fields and anybody who captures a request can change the rest. Default body.',
      ),
    timestamp,
    id: id.optional().describe('The signed id, where there is one; payload then names {id}.'),
    'event-id': eventId.optional().describe("Where the sender's id of the event stands."),
    tolerance,
    'key-form': z
      .enum(SECRET_WRITINGS)
      .optional()
      .describe(
        'How the secrets are written: as the text that they are, or in hex, base64, or whsec_ and base64. Default text.',
      ),
    secrets: secrets.optional(),
    keys: keys.optional(),
  })
})

export type SpelledOutConfig = z.output<typeof spelledOut>

/** Why a payload can't be compiled. */
export function templateFault(written: string, partOfBody: boolean): string | undefined {
  try {
    new Template(written, { partOfBody })
    return undefined
  } catch (error) {
    if (!(error instanceof TemplateFault)) throw error
    return error.message
  }
}
