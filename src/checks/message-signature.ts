import { Offline, type Resources } from '../core/resources.ts'
import { nameOfKey } from '../core/secret.ts'
import { type Component, parseComponent } from '../signing/component.ts'
import { readMessageKey } from '../signing/message-key.ts'
import { type MessageKey, MessageVerifier } from '../signing/message-verifier.ts'
import { SecretFault } from '../signing/provider.ts'
import { FIELD_TYPES } from '../signing/signature-base.ts'
import type { MessageSignatureConfig } from './message-signature-config.ts'

const DEFAULT_REQUIRED = ['@method', '@target-uri'].map(compiled)

/** One route's verifier, and the names of the keys that are not there. @throws Offline where no key can be used. */
export function messageVerifier(config: MessageSignatureConfig, resources: Resources) {
  const { keys, absent } = loadKeys(config, resources)
  const required = config.require?.map(compiled)
  const policy = {
    required: required ?? DEFAULT_REQUIRED,
    bindBody: required === undefined,
    label: config.label,
    tag: config.tag,
    maxAgeMs: config['max-age'],
    skewMs: config.skew,
    types: new Map([...FIELD_TYPES, ...Object.entries(config['structured-fields'] ?? {})]),
  }
  return { verifier: new MessageVerifier(keys, policy), absent }
}

function compiled(text: string): Component {
  const parsed = parseComponent(text)
  if ('why' in parsed) throw new Error(parsed.why)
  return parsed
}

/** A key that is missing is passed over while another is there: see `loadKeys` of the other schemes. */
function loadKeys(config: MessageSignatureConfig, resources: Resources) {
  const keys: MessageKey[] = []
  const absent: string[] = []
  let missing: Offline | undefined
  for (const [index, each] of (config.keys ?? config.secrets ?? []).entries()) {
    const name = nameOfKey(each, index, config.keys ? 'key' : 'secret')
    const algorithm = each.algorithm ?? config.algorithm
    try {
      const bytes = resources.secret(each.ref).bytes()
      const key = readMessageKey(algorithm, decoded(bytes, config['key-form'] ?? 'text'))
      keys.push({ name, id: each.id, algorithm, key, expires: each.expires })
      if (each.expires !== undefined)
        resources.expires({ kind: 'secret', name: `${resources.route}/signature/${name}`, at: each.expires })
    } catch (error) {
      if (error instanceof SecretFault) throw new Offline(`key "${name}" (${each.ref}): ${error.message}`, error.mend)
      if (!(error instanceof Offline)) throw error
      missing ??= error
      absent.push(name)
    }
  }
  if (keys.length === 0) throw missing ?? new Offline('there is no key', 'Name one under keys.')
  return { keys, absent }
}

/** @throws SecretFault */
function decoded(bytes: Buffer, encoding: 'text' | 'hex' | 'base64'): Buffer {
  if (encoding === 'text') return bytes
  const text = bytes.toString('latin1')
  const value = Buffer.from(text, encoding)
  if (value.length > 0 && value.toString(encoding) === (encoding === 'hex' ? text.toLowerCase() : text)) return value
  throw new SecretFault(`it is not written in ${encoding}`, `write it in ${encoding}, or change key-form`)
}
