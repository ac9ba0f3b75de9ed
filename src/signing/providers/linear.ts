import type { BodyRequest } from '../../core/request.ts'
import { hmacScheme } from '../hmac.ts'
import { withMember } from '../json-member.ts'
import { type Provider, textSecret } from '../provider.ts'
import { fault, outOfTime, type Scheme, type SignatureFault } from '../scheme.ts'
import { refusing } from '../secret-forms.ts'

const HEADER = 'Linear-Signature'
const MEMBER = 'webhookTimestamp'

const mac = hmacScheme({ algorithm: 'sha256', header: HEADER, encoding: 'hex', payload: '{body}' })

/** The signed moment, in epoch milliseconds. */
function sentAt(request: BodyRequest): number | SignatureFault {
  const body = request.peekJson()
  const at: unknown =
    typeof body === 'object' && body !== null && Object.hasOwn(body, MEMBER) ? Reflect.get(body, MEMBER) : undefined
  if (typeof at === 'number' && Number.isSafeInteger(at)) return at
  return fault('signature.malformed', { why: `the body is no JSON with ${MEMBER} in milliseconds` })
}

const scheme: Scheme = {
  ...mac,
  tolerance: 60_000,
  verifier(keys, toleranceMs) {
    const inner = mac.verifier(keys, toleranceMs)
    return {
      foresee: (request, nowMs) => inner.foresee(request, nowMs),
      verify(request, nowMs) {
        const verdict = inner.verify(request, nowMs)
        // Only what has been authenticated is parsed.
        if (!verdict.ok) return verdict
        const at = sentAt(request)
        if (typeof at !== 'number') return at
        return outOfTime({ member: MEMBER }, at, nowMs, toleranceMs) ?? { ...verdict, timestamp: at }
      },
    }
  },
  body: ({ body, nowMs }) => withMember(body, MEMBER, nowMs) ?? body,
}

export const linear: Provider = {
  id: 'linear',
  name: 'Linear',
  page: 'https://linear.app/developers/webhooks#securing-webhooks',
  summary: 'HMAC-SHA256 over the raw body, hexadecimal, in Linear-Signature; the body holds the timestamp.',
  scheme,
  secret: refusing(
    textSecret(
      "the webhook's signing secret, used as text",
      "Linear: Settings, API, Webhooks, the webhook's page, Signing secret.",
      'service',
    ),
    /^lin_(api|oauth)_/,
    'the Linear secret is an API key',
    "use the webhook's signing secret",
  ),
  traps: [
    'The signed timestamp is webhookTimestamp in the body, in milliseconds. The header Linear-Timestamp is not signed, and is never looked at.',
    "The tolerance of 60 seconds is that of Linear's own library.",
  ],
  response: '200.',
}
