import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { z } from 'zod'

/** Where a secret is to be found. Never the secret itself: the config holds no literal. */
export class SecretRef {
  readonly kind: 'env' | 'file'
  /** The variable's name, or the path relative to the config file. */
  readonly name: string
  constructor(kind: 'env' | 'file', name: string) {
    this.kind = kind
    this.name = name
  }
  toString(): string {
    return `${this.kind}:${this.name}`
  }
}

/** A secret's value. It shows as a short fingerprint wherever it is printed, logged or serialised. */
export class Secret {
  readonly #bytes: Buffer
  #fingerprint: string | undefined

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  /** The first 8 hex digits of SHA-256 over a fixed label and the value: tells two secrets apart, gives neither away. */
  get fingerprint(): string {
    this.#fingerprint ??= createHash('sha256')
      .update('sallyport secret fingerprint\0')
      .update(this.#bytes)
      .digest('hex')
      .slice(0, 8)
    return this.#fingerprint
  }

  bytes(): Buffer {
    return this.#bytes
  }

  /** The value as UTF-8 text. */
  text(): string {
    return this.#bytes.toString('utf8')
  }

  toString(): string {
    return `secret:${this.fingerprint}`
  }

  toJSON(): string {
    return this.toString()
  }

  [inspect.custom](): string {
    return this.toString()
  }
}

const place = {
  env: z.string().min(1).describe('The environment variable that holds the value.').optional(),
  file: z.string().min(1).describe('The file that holds the value, relative to this config.').optional(),
}

function toRef(value: { env?: string | undefined; file?: string | undefined }): SecretRef {
  return value.env === undefined ? new SecretRef('file', value.file ?? '') : new SecretRef('env', value.env)
}

const ONE_PLACE = 'takes one of env, file'

/** `{ env: NAME }` or `{ file: path }`. */
export const secretRef = z
  .strictObject(place)
  .refine(value => (value.env === undefined) !== (value.file === undefined), ONE_PLACE)
  .transform(toRef)
  .describe('A secret by reference: { env: NAME } or { file: path }.')

/** A date is valid through that day, UTC; a date and time is exact. */
export const expiry = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2})?Z)?$/, 'a date such as 2027-06-30, or 2027-06-30T12:00:00Z')
  .transform((text, context) => {
    const at = Date.parse(text.length === 10 ? `${text}T23:59:59.999Z` : text)
    if (Number.isNaN(at)) context.issues.push({ code: 'custom', message: 'no such date', input: text })
    return at
  })
  .describe('The last day it is valid, UTC, e.g. 2027-06-30; or an exact time, e.g. 2027-06-30T12:00:00Z.')

/** A secret with the name that logs and metrics show, and its end. */
export interface NamedSecret {
  /** Absent: `current` for the first of a list, `secret-2` for the next. */
  readonly name?: string | undefined
  readonly ref: SecretRef
  /** Epoch milliseconds. */
  readonly expires?: number | undefined
}

export const secretName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, "-", "_" and ".", at most 64')
  .describe('The name that logs and metrics show.')

/** `{ name: current, env: NAME, expires: 2027-06-30 }`; name and expires may be left out. */
export const namedSecret = z
  .strictObject({ name: secretName.optional(), ...place, expires: expiry.optional() })
  .refine(value => (value.env === undefined) !== (value.file === undefined), ONE_PLACE)
  .transform((value): NamedSecret => ({ name: value.name, ref: toRef(value), expires: value.expires }))

/** The name under which the `index`th secret of a list is logged. */
export function nameOfSecret(secret: NamedSecret, index: number): string {
  return secret.name ?? (index === 0 ? 'current' : `secret-${index + 1}`)
}

/** A public key with its names and its end. */
export interface NamedKey extends NamedSecret {
  /** What requests call it, where they name their key. */
  readonly id?: string | undefined
}

/** `{ id: partner-1, env: NAME, expires: 2027-06-30 }`; name, id and expires may be left out. */
export const namedKey = z
  .strictObject({
    name: secretName.optional(),
    id: z
      .string()
      .regex(/^[\x21-\x7e]{1,256}$/, 'characters of ASCII without blanks, at most 256')
      .optional()
      .describe('What requests call the key, where they name it.'),
    ...place,
    expires: expiry.optional(),
  })
  .refine(value => (value.env === undefined) !== (value.file === undefined), ONE_PLACE)
  .transform((value): NamedKey => ({ name: value.name, id: value.id, ref: toRef(value), expires: value.expires }))

/** The name under which the `index`th entry of such a list is logged: its own, else its id where that is fit to be one. */
export function nameOfKey(
  { name, id }: Pick<NamedKey, 'name' | 'id'>,
  index: number,
  word: 'key' | 'secret' = 'key',
): string {
  if (name !== undefined) return name
  if (id !== undefined && secretName.safeParse(id).success) return id
  return index === 0 ? 'current' : `${word}-${index + 1}`
}
