import type { HeadRequest } from '../../core/request.ts'
import { hmacScheme } from '../hmac.ts'
import { MAC_BYTES, type MacAlgorithm } from '../mac.ts'
import { type Provider, SecretFault, textSecret } from '../provider.ts'
import { fault, type Scheme, type SignatureFault, type Verifier } from '../scheme.ts'

const HEADER = 'X-Hub-Signature'

const isMethod = (name: string): name is MacAlgorithm => Object.hasOwn(MAC_BYTES, name)
const schemes = Object.keys(MAC_BYTES)
  .filter(isMethod)
  .map(method => ({
    prefix: `${method}=`,
    scheme: hmacScheme({ algorithm: method, header: HEADER, encoding: 'hex', prefix: `${method}=`, payload: '{body}' }),
  }))
const sha256 = hmacScheme({
  algorithm: 'sha256',
  header: HEADER,
  encoding: 'hex',
  prefix: 'sha256=',
  payload: '{body}',
})

/** The sender names the method in the header, one of those that the standard lists. */
const scheme: Scheme = {
  ...sha256,
  kind: 'websub',
  verifier(keys, toleranceMs) {
    const verifiers = schemes.map(each => ({ ...each, verifier: each.scheme.verifier(keys, toleranceMs) }))
    function pick(request: HeadRequest): Verifier | SignatureFault {
      const value = request.headers.one(HEADER.toLowerCase())
      if (value === undefined || value === '') return fault('signature.missing', { header: HEADER })
      if (value === null)
        return fault('signature.malformed', { header: HEADER, why: 'the header comes more than once' })
      return (
        verifiers.find(({ prefix }) => value.startsWith(prefix))?.verifier ??
        fault('signature.malformed', {
          header: HEADER,
          why: `it begins with none of ${schemes.map(({ prefix }) => prefix).join(', ')}`,
        })
      )
    }
    return {
      foresee(request, nowMs) {
        const verifier = pick(request)
        return 'ok' in verifier ? verifier : verifier.foresee(request, nowMs)
      },
      verify(request, nowMs) {
        const verifier = pick(request)
        return 'ok' in verifier ? verifier : verifier.verify(request, nowMs)
      },
    }
  },
}

const form = textSecret(
  'any text of less than 200 bytes that you chose',
  'You give it to the hub as hub.secret when you subscribe.',
  'operator',
)

export const websub: Provider = {
  id: 'websub',
  name: 'WebSub',
  page: 'https://www.w3.org/TR/websub/#authenticated-content-distribution',
  summary: 'HMAC over the raw body, hexadecimal, in X-Hub-Signature, which names SHA-1, SHA-256, SHA-384 or SHA-512.',
  scheme,
  secret: {
    ...form,
    parse(secret) {
      const key = secret.bytes()
      if (key.length >= 200)
        throw new SecretFault(`the WebSub secret has ${key.length} bytes`, 'use one of less than 200 bytes')
      return key
    },
  },
  traps: [
    'The hub confirms a subscription with a GET and hub.challenge, which is not signed.',
    'Many hubs sign with SHA-1 still. Other methods than the four of the standard are refused.',
    'The type is that of the topic, often application/atom+xml: set content-type to fit.',
    'There is no timestamp: add replay.',
  ],
  response: '2xx.',
}
