import { hash, timingSafeEqual } from 'node:crypto'
import { isObject } from '../challenge.ts'
import { withMember } from '../json-member.ts'
import { readJsonObject } from '../jws.ts'
import { type Provider, textSecret } from '../provider.ts'
import { currentKeys, fault, type Scheme, triedKeys } from '../scheme.ts'

const MEMBER = 'clientState'

/** Of one notification; a text says why there are none. */
function itemsOf(body: unknown): readonly unknown[] | string {
  const value = isObject(body) ? body.value : undefined
  return Array.isArray(value) && value.length > 0 ? value : 'the body is no JSON with a list "value" that has an entry'
}

const digest = (bytes: string | Buffer): Buffer => hash('sha256', bytes, 'buffer')

const scheme: Scheme = {
  kind: 'token',
  headers: [],
  tolerance: undefined,
  verifier(keys) {
    const digests = new Map(keys.map(key => [key, digest(key.bytes)]))
    return {
      foresee: () => undefined,
      verify(request, nowMs) {
        const items = itemsOf(request.peekJson())
        if (typeof items === 'string') return fault('signature.malformed', { why: items })
        const current = currentKeys(keys, nowMs)
        let first: string | undefined
        for (const [index, item] of items.entries()) {
          const told = isObject(item) ? item[MEMBER] : undefined
          const field = `value.${index}.${MEMBER}`
          if (told === undefined || told === null || told === '') return fault('signature.missing', { field })
          if (typeof told !== 'string') return fault('signature.malformed', { field, why: 'it is no text' })
          const sent = digest(told)
          let match: string | undefined
          for (const key of current) {
            const wanted = digests.get(key)
            if (wanted && timingSafeEqual(sent, wanted)) match ??= key.name
          }
          if (match === undefined) return fault('signature.mismatch', { field, ...triedKeys(keys, nowMs) })
          first ??= match
        }
        return { ok: true, key: first ?? '', nonce: undefined, id: undefined, timestamp: undefined }
      },
    }
  },
  sign: () => [],
  body({ body }, key) {
    const state = key.toString('utf8')
    const given = readJsonObject(body)
    const items = itemsOf(given)
    if (typeof items !== 'string') {
      const value = items.map(item => (isObject(item) ? { ...item, [MEMBER]: state } : item))
      return Buffer.from(JSON.stringify({ ...given, value }))
    }
    // A body that is no list of notifications is sent as its one entry.
    const entry = withMember(body, MEMBER, state)
    return entry === undefined ? body : Buffer.from(`{"value":[${entry.toString('utf8')}]}`)
  },
}

export const msgraph: Provider = {
  id: 'msgraph',
  name: 'Microsoft Graph change notifications',
  page: 'https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks',
  summary:
    'Nothing is signed: the clientState that the subscription was given comes back in every entry of value in the body.',
  scheme,
  secret: textSecret(
    'a text, at most 128 characters',
    'You choose it: clientState, where your application creates the subscription.',
    'operator',
  ),
  traps: [
    'One request may hold notifications of several subscriptions: every clientState must be one of the secrets.',
    'It says nothing of the body: keep TLS.',
    'The validationTokens of notifications with resource data are not looked at: the upstream must verify them, and decrypt the data.',
    'A new subscription is tried with a validationToken, which challenge answers while its window is open.',
  ],
  response: '2xx within 3 seconds, 202 where the work comes later; otherwise Graph tries again for up to 4 hours.',
}
