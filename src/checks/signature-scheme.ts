import type { Resources } from '../core/resources.ts'
import { asymmetricScheme } from '../signing/asymmetric.ts'
import { hmacScheme } from '../signing/hmac.ts'
import { providerOf } from '../signing/index.ts'
import { keyKindOf } from '../signing/operation.ts'
import type { EventIdPlace } from '../signing/provider.ts'
import { readPublicKey } from '../signing/public-key.ts'
import type { Scheme, Verifier } from '../signing/scheme.ts'
import { KEY_FORM, secretBytes } from '../signing/secret-bytes.ts'
import type { SignedForm } from '../signing/signed-form.ts'
import { messageVerifier } from './message-signature.ts'
import type { SignatureConfig } from './signature-config.ts'
import { type KeyReaders, loadKeys } from './signature-keys.ts'
import type { PresetConfig } from './signature-preset.ts'
import type { SpelledOutConfig } from './signature-spelled.ts'

/** What a route verifies with. */
export interface Compiled {
  readonly verifier: Verifier
  /** Who sends what it verifies: the provider, or the scheme's kind. */
  readonly principal: string
  readonly toleranceMs: number | undefined
  /** The names of the secrets or keys that are not there. */
  readonly absent: readonly string[]
  readonly eventId: EventIdPlace | undefined
}

/** @throws Offline where its keys can't be used. */
export function compile(config: SignatureConfig, resources: Resources): Compiled {
  if ('scheme' in config && config.scheme === 'http-message-signature')
    return {
      ...messageVerifier(config, resources),
      principal: config.scheme,
      toleranceMs: config['max-age'],
      eventId: undefined,
    }
  const { scheme, readers, eventId, principal } = chooseScheme(config)
  const { keys, absent } = loadKeys(config, readers, resources)
  const toleranceMs = scheme.tolerance === undefined ? undefined : (config.tolerance ?? scheme.tolerance)
  return { verifier: scheme.verifier(keys, toleranceMs, resources), principal, toleranceMs, absent, eventId }
}

/** The scheme that a config names, with how it reads keys. */
export function chooseScheme(config: PresetConfig | SpelledOutConfig): Chosen {
  return 'provider' in config ? presetScheme(config) : spelledOutScheme(config)
}

/** A scheme before its keys are loaded. */
export interface Chosen extends Pick<Compiled, 'principal' | 'eventId'> {
  readonly scheme: Scheme
  readonly readers: KeyReaders
}

function presetScheme(config: PresetConfig): Chosen {
  const provider = providerOf(config.provider)
  if (provider === undefined) throw new Error('the config names an unknown provider')
  const { id, secret, publicKey, eventId, settings } = provider
  return { scheme: settings?.scheme(config) ?? provider.scheme, readers: { secret, publicKey }, eventId, principal: id }
}

function spelledOutScheme(config: SpelledOutConfig): Chosen {
  const scheme = spelledScheme(config)
  return { scheme, readers: readersOf(config), eventId: eventIdOf(config), principal: scheme.kind }
}

function spelledScheme(config: SpelledOutConfig): Scheme {
  const { scheme, algorithm } = config
  const form = formOf(config)
  if (scheme === 'hmac') return hmacScheme({ ...form, algorithm })
  const hash = algorithm === 'sha512' ? algorithm : 'sha256'
  return asymmetricScheme({ ...form, algorithm: scheme, hash, ecdsaForm: config['ecdsa-form'] })
}

function formOf(config: SpelledOutConfig): SignedForm {
  const { header, field, encoding, prefix, list, payload, signs, timestamp, id } = config
  return {
    header,
    field: field && 'json' in field ? { json: steps(field.json) } : field,
    encoding,
    prefix,
    payload,
    partOfBody: signs === 'part',
    ...(list
      ? {
          list: {
            separator: list.separator,
            tag: list.tag,
            ...(list['timestamp-tag'] === undefined ? {} : { timestampTag: list['timestamp-tag'] }),
          },
        }
      : {}),
    ...(timestamp
      ? {
          timestamp: {
            header: timestamp.header,
            json: timestamp.json === undefined ? undefined : steps(timestamp.json),
            unit: timestamp.unit,
          },
        }
      : {}),
    ...(id ? { id: 'json' in id ? { json: steps(id.json) } : id } : {}),
  }
}

function readersOf(config: SpelledOutConfig): KeyReaders {
  const { scheme, 'key-form': writing = 'text' } = config
  if (scheme === 'hmac') return { secret: { parse: secret => secretBytes(secret, writing), setting: KEY_FORM } }
  return { publicKey: { parse: value => readPublicKey(keyKindOf(scheme), value) } }
}

function eventIdOf(config: SpelledOutConfig): EventIdPlace | undefined {
  const { payload, signs } = config
  const place = config['event-id']
  if (place === undefined) return undefined
  if ('json' in place)
    return { json: steps(place.json), signed: signs === 'body' || payload.includes(`{json:${place.json}}`) }
  return { header: place.header, signed: payload.toLowerCase().includes(`{header:${place.header.toLowerCase()}}`) }
}

const steps = (member: string): string[] => member.split('.')
