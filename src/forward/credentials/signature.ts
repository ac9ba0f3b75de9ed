import type { Secret } from '../../core/secret.ts'
import type { Provider } from '../../signing/provider.ts'
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
  const key = provider.secret.parse(secret)
  return new Standing((outbound, nowMs) => {
    const { method, id } = outbound
    let message = {
      method,
      url: origin + outbound.path,
      body: outbound.body ?? EMPTY,
      contentType: contentTypeOf(outbound),
      nowMs,
      id,
    }
    message = { ...message, body: scheme.body?.(message) ?? message.body }
    message = { ...message, url: scheme.url?.(message) ?? message.url }
    return {
      ...outbound,
      path: message.url.slice(origin.length),
      headers: [...outbound.headers, ...scheme.sign(key, message).flat()],
      body: message.body.length === 0 ? undefined : message.body,
    }
  })
}

function contentTypeOf({ headers }: Outbound): string {
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]?.toLowerCase() === 'content-type') return headers[at + 1] ?? ''
  return ''
}
