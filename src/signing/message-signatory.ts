import { createPrivateKey, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { publicKey } from './key-form.ts'
import { type MessageAlgorithm, messageKeyKind } from './message-algorithm.ts'
import { componentsOf } from './message-fields.ts'
import { type MessageSigner, signRequest } from './message-signer.ts'
import { CONTENT_DIGEST } from './message-verifier.ts'
import { type Signatory, textSecret } from './provider.ts'
import type { Message } from './scheme.ts'
import { type SecretWriting, secretBytes } from './secret-bytes.ts'
import { INPUT, SIGNATURE } from './signature-input.ts'
import { UnsignableFault } from './signed-form.ts'

/** What the config calls it. */
export const MESSAGE_SIGNATURE = 'http-message-signature'

/** What a message signature covers where nothing else is said. */
export const DEFAULT_COMPONENTS = ['@method', '@target-uri', 'content-digest', 'content-type'] as const

/** What it writes. */
export const MESSAGE_FIELDS = [CONTENT_DIGEST, INPUT, SIGNATURE] as const

/** Fields of a body: a request without one has none of them. */
const OF_BODY: ReadonlySet<string> = new Set(['content-digest', 'content-type', 'content-encoding', 'content-length'])

export interface MessageSigning
  extends Pick<MessageSigner, 'keyid' | 'label' | 'tag' | 'lifetimeMs' | 'tellAlgorithm' | 'digest'> {
  readonly algorithm: MessageAlgorithm
  /** As the config writes them; those of the body are covered where there is one, Content-Encoding where that is coded. */
  readonly components: readonly string[]
  /** How a shared secret is written. Default text. */
  readonly writing?: SecretWriting | undefined
  /** A new nonce for every signature, as RFC 9421 section 2.3 has it; else the nonce is the event's id. */
  readonly freshNonce?: boolean
}

/** Someone who signs after RFC 9421, with RFC 9530's Content-Digest: what `send` and the bridge sign as. */
export function messageSignatory(signing: MessageSigning): Signatory {
  const { algorithm, writing = 'text', freshNonce = false } = signing
  const kind = messageKeyKind(algorithm)
  const keys = new WeakMap<Buffer, KeyObject>()
  const keyOf = (bytes: Buffer): KeyObject => {
    const known = keys.get(bytes)
    if (known) return known
    const key =
      kind === undefined ? createSecretKey(bytes) : createPrivateKey({ key: bytes, format: 'der', type: 'pkcs8' })
    keys.set(bytes, key)
    return key
  }
  const all = componentsOf(signing.components)
  const ofHead = all.filter(({ name }) => !OF_BODY.has(name))
  // A body that is too small to be compressed has no coding.
  const ofPlainBody = all.filter(({ name }) => name !== 'content-encoding')
  return {
    id: MESSAGE_SIGNATURE,
    name: 'HTTP Message Signatures',
    scheme: {
      kind: algorithm,
      headers: MESSAGE_FIELDS,
      tolerance: DEFAULT_AGE_MS,
      partOfBody: !all.some(({ name }) => name === 'content-digest'),
      sign(key, message) {
        const components = message.body.length === 0 ? ofHead : isCoded(message) ? all : ofPlainBody
        const nonce = freshNonce ? randomBytes(18).toString('base64url') : message.id
        const made = signRequest(
          { ...signing, components, key: keyOf(key) },
          { ...message, headers: fieldsOf(message), nonce },
        )
        if ('why' in made) throw new UnsignableFault(`${made.component}: ${made.why}`)
        return made
      },
    },
    ...(kind === undefined
      ? {
          secret: {
            ...textSecret('the shared secret', 'agreed with the receiver', 'operator'),
            parse: secret => secretBytes(secret, writing),
          },
        }
      : { publicKey: publicKey(kind, 'pem', `a key for ${algorithm}`, 'made by the operator', 'operator') }),
  }
}

const isCoded = ({ headers = [] }: Message): boolean =>
  headers.some(([name]) => name.toLowerCase() === 'content-encoding')

/** For how long verifiers mostly take a signature. */
const DEFAULT_AGE_MS = 300_000

/** What can be covered: what is sent besides, and what the client writes of itself. */
function fieldsOf({ url, body, contentType, headers = [] }: Message): Message['headers'] & object {
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const fields = [
    ['Host', new URL(url).host],
    ...(contentType === '' ? [] : [['Content-Type', contentType] as const]),
    ...(body.length === 0 ? [] : [['Content-Length', String(body.length)] as const]),
  ] as const
  return [...fields.filter(([name]) => !given.has(name.toLowerCase())), ...headers]
}
