import type { Secret } from '../../core/secret.ts'
import { type Provider, signerKey } from '../../signing/provider.ts'
import { signMessage } from '../../signing/scheme.ts'
import type { Outbound } from '../normalise.ts'
import { type Credential, Standing } from './credential.ts'

const EMPTY = Buffer.alloc(0)

/**
 * Signs as a provider does, over the bytes that are sent. The id that schemes sign is the request's, so that it stays the
 * same where a request is sent again.
 *
 * @param origin of the upstream
 * @throws SecretFault where the secret is not in the provider's form
 */
export function signature(provider: Provider, secret: Secret, origin: string): Credential {
  const { scheme } = provider
  const key = signerKey(provider, secret)
  return new Standing((outbound, nowMs) => {
    const { method, id } = outbound
    const { url, body, headers } = signMessage(scheme, key, {
      method,
      url: origin + outbound.path,
      body: outbound.body ?? EMPTY,
      contentType: contentTypeOf(outbound),
      nowMs,
      id,
    })
    return {
      ...outbound,
      path: url.slice(origin.length),
      headers: [...outbound.headers, ...headers.flat()],
      body: body.length === 0 ? undefined : body,
    }
  })
}

function contentTypeOf({ headers }: Outbound): string {
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]?.toLowerCase() === 'content-type') return headers[at + 1] ?? ''
  return ''
}
