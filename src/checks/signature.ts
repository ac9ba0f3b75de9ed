import { defineCheck } from '../core/check.ts'
import { deny, type Facts } from '../core/decision.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { type NamedSecret, nameOfSecret } from '../core/secret.ts'
import { type EventId, eventIdReader } from '../signing/event-id.ts'
import { hmacScheme } from '../signing/hmac.ts'
import { providerOf } from '../signing/index.ts'
import { type EventIdPlace, type Provider, SecretFault } from '../signing/provider.ts'
import type { Scheme, SignatureFault, SignatureMatch, SigningKey, Verifier } from '../signing/scheme.ts'
import { messageVerifier } from './message-signature.ts'
import { type SignatureConfig, type SpelledOutConfig, signatureConfig } from './signature-config.ts'

/** A timestamp is compared in whole seconds, so a request verifies for so much longer than its tolerance. */
const CUT_MS = 1000

const WWW_AUTHENTICATE = [['WWW-Authenticate', 'Signature']] as const

/** Verifies a webhook's signature over the exact bytes of its body. */
export const signature = defineCheck({
  name: 'signature',
  stage: 'body',
  summary:
    'Admits requests that are signed as the service signs, with one of the secrets; the signature covers the bytes as sent.',
  example: 'signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] }',
  config: signatureConfig,
  denials: {
    'signature.missing': {
      status: 401,
      title: 'Missing signature',
      meaning: 'A header that the scheme needs is not there.',
      remedy:
        'Is a secret set in the service at all? The evidence names the header; "sallyport providers NAME" tells where the secret is set.',
      headers: WWW_AUTHENTICATE,
    },
    'signature.malformed': {
      status: 401,
      title: 'Malformed signature',
      meaning: 'The signature, its timestamp or its id is not written as the scheme writes it.',
      remedy:
        'Is it the right provider for this sender? Compare the header that the evidence names with "sallyport providers NAME".',
      headers: WWW_AUTHENTICATE,
    },
    'signature.mismatch': {
      status: 401,
      title: 'Invalid signature',
      meaning: 'The signature is well formed and was made over other bytes, or with another secret.',
      remedy: 'Compare the secret with the one in the service; look for something in between that changes the body.',
      headers: WWW_AUTHENTICATE,
    },
    'signature.incomplete': {
      status: 401,
      title: 'Signature covers too little',
      meaning: 'The signature leaves out a part of the request that the route requires it to cover.',
      remedy:
        'The evidence names what is missing: let the sender sign it too, or take it out of require where it does not matter.',
      headers: WWW_AUTHENTICATE,
    },
    'signature.expired': {
      status: 401,
      title: 'Expired signature',
      meaning: 'The signed timestamp is older, or further ahead, than the tolerance.',
      remedy:
        'Compare the clocks of sender and gate (the evidence has the difference). A retry long after the event is refused on purpose.',
      headers: WWW_AUTHENTICATE,
    },
  },
  create(config: SignatureConfig, resources) {
    const { verifier, principal, toleranceMs, absent, place } = compile(config, resources)
    const missing = absent.length === 0 ? {} : { 'secrets-missing': absent }
    const refuse = ({ code, evidence }: SignatureFault) =>
      deny(code, { scheme: principal, ...evidence, ...(code === 'signature.mismatch' ? missing : {}) })
    const readEventId = eventIdReader(place)
    return {
      foresee(request) {
        const fault = verifier.foresee(request, resources.clock.now())
        return fault && refuse(fault)
      },
      decide(request) {
        const now = resources.clock.now()
        const verdict = verifier.verify(request, now)
        if (!verdict.ok) return refuse(verdict)
        return { ok: true, facts: factsOf(verdict, principal, readEventId(request), toleranceMs, now) }
      },
    }
  },
})

interface Compiled {
  readonly verifier: Verifier
  readonly principal: string
  readonly toleranceMs: number | undefined
  /** The names of the secrets that are not there. */
  readonly absent: readonly string[]
  readonly place: EventIdPlace | undefined
}

function compile(config: SignatureConfig, resources: Resources): Compiled {
  if ('scheme' in config && config.scheme === 'http-message-signature')
    return {
      ...messageVerifier(config, resources),
      principal: config.scheme,
      toleranceMs: config['max-age'],
      place: undefined,
    }
  const provider = 'provider' in config ? providerOf(config.provider) : undefined
  const scheme = 'provider' in config ? provider?.scheme : schemeOf(config)
  if (scheme === undefined) throw new Error('the config names an unknown provider')
  const { keys, absent } = loadKeys(config.secrets, provider, resources)
  const toleranceMs = scheme.tolerance === undefined ? undefined : (config.tolerance ?? scheme.tolerance)
  return {
    verifier: scheme.verifier(keys, toleranceMs),
    principal: provider?.id ?? scheme.kind,
    toleranceMs,
    absent,
    place: 'provider' in config ? provider?.eventId : customEventId(config),
  }
}

function schemeOf(config: SpelledOutConfig): Scheme {
  const { algorithm, header, encoding, prefix, payload, timestamp, id } = config
  return hmacScheme({
    algorithm,
    header,
    encoding,
    prefix,
    payload,
    ...(timestamp ? { timestamp } : {}),
    ...(id ? { id } : {}),
  })
}

/**
 * The keys that are there. One that is missing is passed over while another is there, so that taking the old secret out
 * of the environment ends a rotation and not the route; a mismatch names it.
 */
function loadKeys(named: readonly NamedSecret[], provider: Provider | undefined, resources: Resources) {
  const keys: SigningKey[] = []
  const absent: string[] = []
  let missing: Offline | undefined
  named.forEach((each, index) => {
    const name = nameOfSecret(each, index)
    try {
      const secret = resources.secret(each.ref)
      keys.push({ name, bytes: provider ? provider.secret.parse(secret) : secret.bytes(), expires: each.expires })
      if (each.expires !== undefined)
        resources.expires({ kind: 'secret', name: `${resources.route}/signature/${name}`, at: each.expires })
    } catch (error) {
      if (error instanceof SecretFault)
        throw new Offline(`secret "${name}" (${each.ref}): ${error.message}`, error.mend)
      if (!(error instanceof Offline)) throw error
      missing ??= error
      absent.push(name)
    }
  })
  if (keys.length === 0) throw missing ?? new Offline('there is no secret', 'Name one under secrets.')
  return { keys, absent }
}

function customEventId(config: SpelledOutConfig): EventIdPlace | undefined {
  const place = config['event-id']
  if (place && 'json' in place) return { json: place.json.split('.') }
  if (place)
    return {
      header: place.header,
      signed: config.payload.toLowerCase().includes(`{header:${place.header.toLowerCase()}}`),
    }
  return undefined
}

/**
 * A signed event id is what `replay` remembers. Where it is not signed, the MAC is remembered beside it: a stranger who
 * repeats a captured request can write another id, but not another MAC.
 */
function factsOf(
  match: SignatureMatch,
  principal: string,
  event: EventId | undefined,
  toleranceMs: number | undefined,
  nowMs: number,
): Facts {
  const id = match.id ?? event?.id
  const signed = match.id !== undefined || event?.signed === true
  const facts: { -readonly [Name in keyof Facts]: Facts[Name] } = {
    principal,
    principalBy: 'signature',
    keyName: match.key,
  }
  if (id !== undefined) facts.eventId = id
  if (!signed && match.nonce !== undefined) facts.nonce = match.nonce
  if (match.timestamp !== undefined && toleranceMs !== undefined)
    facts.verifiesForMs = Math.max(0, match.timestamp + toleranceMs + CUT_MS - nowMs)
  return facts
}
