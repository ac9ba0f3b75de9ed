import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { signature } from '../../src/checks/signature.ts'
import { Secret } from '../../src/core/secret.ts'
import type { RequestContext } from '../../src/pipeline/context.ts'
import { providers } from '../../src/signing/index.ts'
import { type MacAlgorithm, MacKey } from '../../src/signing/mac.ts'
import { newCredentials, type Provider, signerKey } from '../../src/signing/provider.ts'
import { signMessage } from '../../src/signing/scheme.ts'
import { event } from '../work.ts'
import type { Subject } from './timing.ts'
import { compiled, received, resources, type Sent } from './world.ts'

/** A preset at work: its whole check, and the bare primitive over the same bytes. */
export interface PresetCase {
  readonly id: string
  readonly algorithm: MacAlgorithm
  readonly check: Subject
  readonly bare: Subject
  readonly signedBytes: number
}

const URL_GIVEN = 'https://hooks.example.com/hooks/bench'

/** @param bytes of the JSON body */
export function presetCase(provider: Provider, bytes: number): PresetCase {
  const given = newCredentials(provider)
  if (given === undefined) throw new Error(`${provider.id} has no secret`)
  const held = signerKey(provider, new Secret(Buffer.from(given.held)))
  const sent = signedMessage(provider, held, bytes)
  const config = { ...provider.settings?.example, provider: provider.id, secrets: [{ env: 'KEY' }] }
  const check = compiled(signature, config, resources({ KEY: given.given }))
  const whole = (request: RequestContext) => check.foresee?.(request, {}) ?? check.decide(request, {})
  const macs = recorded(() => {
    const decision = whole(received(sent))
    if (decision instanceof Promise || decision.ok !== true)
      throw new Error(`${provider.id} refuses its own signature: ${JSON.stringify(decision)}`)
  })
  const [mac] = macs
  if (macs.length !== 1 || mac === undefined) throw new Error(`${provider.id} makes ${macs.length} MACs`)
  const { algorithm, data } = mac
  const key = createSecretKey(held)
  const wanted = createHmac(algorithm, key).update(data).digest()
  return {
    id: provider.id,
    algorithm,
    signedBytes: data.length,
    check: {
      name: provider.id,
      batch(count) {
        // Some tolerances are short.
        const fresh = signedMessage(provider, held, bytes)
        const requests = Array.from({ length: count }, () => received(fresh))
        return () => {
          for (const request of requests) {
            const decision = whole(request)
            if (decision instanceof Promise || decision.ok !== true) throw new Error(`${provider.id}: refused`)
          }
        }
      },
    },
    bare: {
      name: 'bare',
      batch(count) {
        // As cold as the bodies of requests.
        const copies = Array.from({ length: count }, () => Buffer.from(data))
        return () => {
          for (const copy of copies)
            if (!timingSafeEqual(createHmac(algorithm, key).update(copy).digest(), wanted)) throw new Error('no match')
        }
      },
    },
  }
}

function signedMessage(provider: Provider, key: Buffer, bytes: number): Sent {
  const contentType = 'application/json'
  const { url, body, headers } = signMessage(provider.scheme, key, {
    method: 'POST',
    url: URL_GIVEN,
    body: event(bytes),
    contentType,
    nowMs: Date.now(),
    id: '72d3162e-cc78-11e3-81ab-4c9367dc0958',
  })
  return { url, body, headers: [['Content-Type', contentType], ...headers] }
}

interface Recorded {
  readonly algorithm: MacAlgorithm
  readonly data: Buffer
}

/** What is authenticated while `work` runs. */
function recorded(work: () => void): readonly Recorded[] {
  const seen: Recorded[] = []
  const { hex } = MacKey.prototype
  MacKey.prototype.hex = function (before, body, after) {
    seen.push({
      algorithm: this.algorithm,
      data: Buffer.concat([Buffer.from(before, 'latin1'), body, Buffer.from(after, 'latin1')]),
    })
    return hex.call(this, before, body, after)
  }
  try {
    work()
  } finally {
    MacKey.prototype.hex = hex
  }
  return seen
}

const HMAC: readonly Provider[] = providers.filter(({ scheme }) => scheme.kind.startsWith('hmac-'))

/** Those that sign a JSON body, whole and as it is, with the one MAC. */
const measured = (provider: Provider): boolean => {
  const { scheme, secret, accept = ['json'] } = provider
  const whole = secret !== undefined && scheme.partOfBody !== true && scheme.body === undefined
  return whole && accept.includes('json') && presetCase(provider, 1024).signedBytes >= 1024
}

export const hmacPresets: readonly Provider[] = HMAC.filter(measured)
/** What reads fields of the body, or hashes it in another way, does another work. */
export const otherHmacPresets: readonly Provider[] = HMAC.filter(provider => !measured(provider))
