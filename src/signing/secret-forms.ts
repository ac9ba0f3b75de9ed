import { randomBytes } from 'node:crypto'
import { SecretFault, type SecretForm } from './provider.ts'

type Told = Pick<SecretForm, 'looks' | 'where' | 'madeBy'>

/** A form that refuses another kind of key, which people copy instead. @param mend which one it is to be. */
export function refusing(form: SecretForm, wrong: RegExp, message: string, mend: string): SecretForm {
  return {
    ...form,
    parse(secret) {
      if (wrong.test(secret.text())) throw new SecretFault(message, mend)
      return form.parse(secret)
    },
  }
}

/**
 * A secret that is decoded before it is the key. Of a text that was cut or mistyped, the decoder would make a key all the
 * same: so it must be the one way to write its bytes.
 * @param bytes how many there must be; absent: any number
 */
export function decodedSecret(encoding: 'hex' | 'base64', told: Told, bytes?: number): SecretForm {
  return {
    ...told,
    parse(secret) {
      const text = secret.text()
      const key = Buffer.from(text, encoding)
      // Keys in hexadecimal are shown in either case.
      const written = encoding === 'hex' ? text.toLowerCase() : text
      if (key.length === 0 || key.toString(encoding) !== written || (bytes !== undefined && key.length !== bytes))
        throw new SecretFault(
          `the secret is not ${bytes === undefined ? 'text' : `${bytes} bytes`} in ${encoding} (it decodes to ${key.length} bytes)`,
          'copy the whole key as the service shows it',
        )
      return key
    },
    create: () => randomBytes(bytes ?? 32).toString(encoding),
  }
}
