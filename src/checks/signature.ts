import { defineCheck } from '../core/check.ts'
import { deny, type Facts } from '../core/decision.ts'
import type { BodyRequest } from '../core/request.ts'
import { type EventId, eventIdReader } from '../signing/event-id.ts'
import type { SignatureFault, SignatureMatch, SignatureVerdict } from '../signing/scheme.ts'
import { type SignatureConfig, signatureConfig } from './signature-config.ts'
import { compile } from './signature-scheme.ts'

/** A timestamp is compared in whole seconds, so a request verifies for so much longer than its tolerance. */
const CUT_MS = 1000

const WWW_AUTHENTICATE = [['WWW-Authenticate', 'Signature']] as const

/** Verifies a webhook's signature over the exact bytes of its body. */
export const signature = defineCheck({
  name: 'signature',
  stage: 'body',
  summary:
    'Admits requests that are signed as the service signs, under one of the secrets or public keys; the signature covers the bytes as sent.',
  example: 'signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] }',
  config: signatureConfig,
  denials: {
    'signature.missing': {
      status: 401,
      title: 'Missing signature',
      meaning: 'A header, or a field of the body, that the scheme needs is not there.',
      remedy:
        'Is a secret set in the service at all? The evidence names what is missing; "sallyport providers NAME" tells where the secret is set.',
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
      meaning: 'The signature is well formed and was made over other bytes, or with another secret or key.',
      remedy:
        'Compare the secret or the public key with the one in the service; look for something in between that changes the body.',
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
    'signature.unavailable': {
      status: 503,
      title: 'Try again later',
      meaning: "The provider's certificate that the request names could not be fetched, or is none of the provider's.",
      remedy:
        'The evidence says why. Can the gate reach the host of the URL, over https? Else whoever sent this is not the provider.',
      headers: [['Retry-After', '30']],
    },
  },
  async *doctor(config, resources) {
    yield* (await import('./signature-doctor.ts')).lookAtKeys(config, resources)
  },
  create(config: SignatureConfig, resources) {
    const { verifier, principal, toleranceMs, absent, eventId } = compile(config, resources)
    const missing = absent.length === 0 ? {} : { [config.secrets ? 'secrets-missing' : 'keys-missing']: absent }
    const denialOf = ({ code, evidence }: SignatureFault) =>
      deny(code, { scheme: principal, ...evidence, ...(code === 'signature.mismatch' ? missing : {}) })
    let last: { readonly fault: SignatureFault; readonly denial: ReturnType<typeof denialOf> } | undefined
    const refuse = (fault: SignatureFault) => {
      if (last?.fault !== fault) last = { fault, denial: denialOf(fault) }
      return last.denial
    }
    const readEventId = eventIdReader(eventId)
    const decision = (verdict: SignatureVerdict, request: BodyRequest, nowMs: number) =>
      verdict.ok
        ? ({
            ok: true,
            facts: factsOf(
              verdict,
              principal,
              verdict.id === undefined ? readEventId(request) : undefined,
              toleranceMs,
              nowMs,
            ),
          } as const)
        : refuse(verdict)
    return {
      foresee(request) {
        const fault = verifier.foresee(request, resources.clock.now())
        return fault && refuse(fault)
      },
      decide(request) {
        const now = resources.clock.now()
        const verdict = verifier.verify(request, now)
        // A key that is fetched first takes its time, which the signature's end must not gain.
        return verdict instanceof Promise
          ? verdict.then(late => decision(late, request, resources.clock.now()))
          : decision(verdict, request, now)
      },
    }
  },
  explain: async (config, asked, resources) =>
    (await import('./explain/signature.ts')).explainSignature(config, asked, resources),
})

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
    principal: match.principal ?? principal,
    principalBy: 'signature',
    keyName: match.key,
  }
  if (id !== undefined) facts.eventId = id
  if (!signed && match.nonce !== undefined) facts.nonce = match.nonce
  if (match.timestamp !== undefined && toleranceMs !== undefined)
    facts.verifiesForMs = Math.max(0, match.timestamp + toleranceMs + CUT_MS - nowMs)
  return facts
}
