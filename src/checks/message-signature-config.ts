import { z } from 'zod'
import { late } from '../core/late-schema.ts'
import { expiry, nameOfKey, SecretRef, secretName } from '../core/secret.ts'
import { duration } from '../core/units.ts'
import { MESSAGE_ALGORITHMS } from '../signing/message-algorithm.ts'
import { componentList, keyid, label, tag } from '../signing/message-fields.ts'

/** RFC 9421, as it stands under `signature` in a config. */
export const messageSignatureConfig = late(() => {
  const place = {
    env: z.string().min(1).describe('The environment variable that holds the key.').optional(),
    file: z.string().min(1).describe('The file that holds the key, relative to this config.').optional(),
  }
  const messageKey = z
    .strictObject({
      id: keyid.describe('The keyid of its signatures. Absent: it may verify any signature.').optional(),
      name: secretName.optional(),
      ...place,
      expires: expiry.optional(),
      algorithm: z
        .enum(MESSAGE_ALGORITHMS)
        .exclude(['hmac-sha256'])
        .optional()
        .describe('Where it is not the algorithm above.'),
    })
    .refine(value => (value.env === undefined) !== (value.file === undefined), 'takes one of env, file')
    .transform(({ env, file, ...rest }) => ({
      ...rest,
      ref: env === undefined ? new SecretRef('file', file ?? '') : new SecretRef('env', env),
    }))
  const keyList = z
    .array(messageKey)
    .min(1)
    .superRefine((list, context) => {
      const names = list.map((key, index) => nameOfKey(key, index))
      for (const [index, name] of names.entries())
        if (names.indexOf(name) < index)
          context.addIssue({
            code: 'custom',
            path: [index],
            message: `a second key is called "${name}": give each a name of its own, as logs and metrics show it`,
          })
    })
  return z.strictObject({
    scheme: z.literal('http-message-signature').describe('HTTP Message Signatures, RFC 9421.'),
    algorithm: z
      .enum(MESSAGE_ALGORITHMS)
      .describe('The algorithm that the keys are for. A signature that names another in alg is refused.'),
    keys: keyList
      .optional()
      .describe(
        'The public keys by reference: PEM, a JWK, the base64 of the DER (SPKI), or an Ed25519 key as 64 hex digits; each may have the keyid of its signatures as id, a name and an end.',
      ),
    secrets: keyList.optional().describe('The shared secrets by reference, for hmac-sha256, instead of keys.'),
    'key-form': z
      .enum(['text', 'hex', 'base64'])
      .optional()
      .describe('How the shared secrets are written. Default text: they are used as they stand.'),
    require: componentList
      .optional()
      .describe(
        'What a signature must cover at least, e.g. ["@method", "@target-uri", content-digest]. Without content-digest the body may be anything. Default @method, @target-uri, and content-digest of every request with a body.',
      ),
    label: label
      .optional()
      .describe(
        'The label of the signature to verify, where a request may carry several. Default any whose key is known.',
      ),
    tag: tag.optional().describe('The tag that the signature must carry. Default any, or none.'),
    'max-age': duration()
      .refine(ms => ms > 0, 'must be longer than nothing')
      .default(300_000)
      .describe('How long after its creation a signature is taken. Default 5m.'),
    skew: duration().default(60_000).describe("How far ahead the sender's clock may be. Default 1m."),
    'structured-fields': z
      .record(
        z.string().regex(/^[a-z0-9!#$%&'*+.^_`|~-]+$/, 'is no field name: write it in lower case, without blanks'),
        z.enum(['dictionary', 'list', 'item']),
      )
      .optional()
      .describe("The types of the sender's own structured fields, for components with sf."),
  })
})

export type MessageSignatureConfig = z.output<typeof messageSignatureConfig>

/** What the schema alone does not tell: which of the keys belong to the algorithm. */
export function checkMessageSignature(config: MessageSignatureConfig, context: z.RefinementCtx): void {
  const symmetric = config.algorithm === 'hmac-sha256'
  const say = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message })
  if (symmetric && config.keys)
    say(['keys'], 'are public keys, and hmac-sha256 has none: write the shared secret under secrets')
  if (!symmetric && config.secrets)
    say(['secrets'], `are shared secrets, and ${config.algorithm} has none: write the sender's public key under keys`)
  if (!symmetric && config['key-form']) say(['key-form'], 'is for shared secrets: leave it out')
  if (!(config.keys ?? config.secrets))
    say(
      [],
      `the key "${symmetric ? 'secrets' : 'keys'}" is missing: add ${symmetric ? 'secrets' : 'keys'}: [{ env: NAME }]`,
    )
}
