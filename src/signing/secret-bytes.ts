import type { Secret } from '../core/secret.ts'
import { SecretFault } from './provider.ts'
import { readWebhooksSecret } from './webhooks.ts'

export const SECRET_WRITINGS = ['text', 'hex', 'base64', 'whsec'] as const
/** How a secret is written: as the text that it is, or as bytes in an encoding. */
export type SecretWriting = (typeof SECRET_WRITINGS)[number]

/** How a route makes a key of a secret. */
export interface SecretReader {
  /** The key's bytes. @throws SecretFault */
  parse(secret: Secret): Buffer
  /** Absent where the config has none, as beside `provider`. */
  readonly setting?: WritingSetting | undefined
}

/** A setting of a config that says how its secrets are written. */
export interface WritingSetting {
  readonly name: string
  readonly values: readonly string[]
  /** The key's bytes under one of the values. @throws SecretFault where the secret is not written so */
  read(secret: Secret, value: string): Buffer
}

/** Of a scheme that is spelled out. */
export const KEY_FORM: WritingSetting = {
  name: 'key-form',
  values: SECRET_WRITINGS,
  read: (secret, value) => secretBytes(secret, SECRET_WRITINGS.find(each => each === value) ?? 'text'),
}

/** The key's bytes. @throws SecretFault where it is not written so. The message never holds it. */
export function secretBytes(secret: Secret, writing: SecretWriting): Buffer {
  if (writing === 'text') return secret.bytes()
  if (writing === 'whsec') return readWebhooksSecret(secret)
  const text = secret.text()
  const key = Buffer.from(text, writing)
  // Of a text that was cut or mistyped, the decoder would make a key all the same. Hex digits are shown in either case.
  const written = writing === 'hex' ? text.toLowerCase() : text.padEnd(Math.ceil(text.length / 4) * 4, '=')
  if (key.length === 0 || key.toString(writing) !== written)
    throw new SecretFault(`the secret is not written in ${writing}`, 'copy it whole, or use another key-form')
  return key
}
