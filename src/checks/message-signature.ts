import { Offline, type Resources } from '../core/resources.ts'
import { nameOfKey } from '../core/secret.ts'
import { readMessageKey } from '../signing/message-algorithm.ts'
import { componentsOf } from '../signing/message-fields.ts'
import { type MessageKey, MessageVerifier } from '../signing/message-verifier.ts'
import { SecretFault } from '../signing/provider.ts'
import { FIELD_TYPES } from '../signing/signature-base.ts'
import type { MessageSignatureConfig } from './message-signature-config.ts'

const DEFAULT_REQUIRED = componentsOf(['@method', '@target-uri'])

/** One route's verifier, and the names of the keys that are not there. @throws Offline where no key can be used. */
export function messageVerifier(
  config: MessageSignatureConfig,
  resources: Resources,
  { anySalt = false }: { readonly anySalt?: boolean } = {},
) {
  const loaded = loadKeys(config, resources)
  const { absent } = loaded
  const keys = anySalt ? loaded.keys.map(key => ({ ...key, anySalt })) : loaded.keys
  const required = config.require && componentsOf(config.require)
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

/** A key that is missing is passed over while another is there: see `loadKeys` of the other schemes. */
function loadKeys(config: MessageSignatureConfig, resources: Resources) {
  const keys: MessageKey[] = []
  const absent: string[] = []
  let missing: Offline | undefined
  for (const [index, each] of (config.keys ?? config.secrets ?? []).entries()) {
    const name = nameOfKey(each, index, config.keys ? 'key' : 'secret')
    const algorithm = each.algorithm ?? config.algorithm
    try {
      const key = readMessageKey(algorithm, resources.secret(each.ref), config['key-form'] ?? 'text')
      // A place in the list is no one's name: it changes when a key before it goes.
      keys.push({ name, id: each.id, principal: each.name ?? each.id, algorithm, key, expires: each.expires })
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
