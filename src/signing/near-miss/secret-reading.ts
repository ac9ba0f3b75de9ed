import type { Secret } from '../../core/secret.ts'
import type { SecretReader } from '../secret-bytes.ts'

/** One secret as its route reads it. */
export class SecretReading {
  readonly secret: Secret
  readonly reader: SecretReader
  /** `undefined` where it can't be read. */
  readonly key: Buffer | undefined

  constructor(secret: Secret, reader: SecretReader) {
    this.secret = secret
    this.reader = reader
    this.key = attempt(() => reader.parse(secret))
  }

  /** Whether its text is more than the key. */
  get decodes(): boolean {
    return this.key !== undefined && !this.key.equals(this.secret.bytes())
  }

  /** `set key-form: base64`: the setting under which the route makes this key of the secret; `undefined` where none does. */
  settingFor(key: Buffer, secret = this.secret): string | undefined {
    const { setting } = this.reader
    const value = setting?.values.find(each => attempt(() => setting.read(secret, each))?.equals(key))
    return setting && value && `set ${setting.name}: ${value}`
  }
}

/** @param secret the text that is the sender's key */
export function undecodedMend(reading: SecretReading, key: Buffer, secret = reading.secret): string {
  return `the sender does not decode the secret: ${reading.settingFor(key, secret) ?? 'let it decode the secret before it is the key, as the scheme does'}`
}

export function decodedMend(reading: SecretReading, key: Buffer): string {
  const otherwise = reading.decodes
    ? 'let it decode the secret as the scheme does'
    : 'let it use the text of the secret as the key, as the scheme does'
  return `the sender decodes the secret before it is the key: ${reading.settingFor(key) ?? otherwise}`
}

/** @param form `base64`, `hexadecimal` */
export const encodedMend =
  (form: string) =>
  ({ decodes }: SecretReading): string =>
    `the sender signs with the secret's ${form} text: ${decodes ? 'let it decode the secret before it is the key, as the scheme does' : "write that text into the gate's secret"}`

/** The readers throw on what they can't read, each in its own words. */
export function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
