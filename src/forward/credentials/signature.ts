import type { Secret } from '../../core/secret.ts'
import type { MacKey } from '../../signing/mac.ts'
import { type Signatory, signerKey } from '../../signing/provider.ts'
import { type SignedHeaders, signMessage } from '../../signing/scheme.ts'
import { type Outbound, signStandardWebhooks } from '../normalise.ts'
import { type Credential, Standing } from './credential.ts'

const EMPTY = Buffer.alloc(0)

/**
 * Signs as a provider does, or after RFC 9421, over the bytes that are sent. The id that schemes sign is the request's, so
 * that it stays the same where a request is sent again.
 *
 * @param origin of the upstream
 * @throws SecretFault where the secret is not in the signatory's form
 */
export function signature(signatory: Signatory, secret: Secret, origin: string): Credential {
  const { scheme } = signatory
  const key = signerKey(signatory, secret)
  return new Standing((outbound, nowMs) => {
    const { method, id } = outbound
    const contentType = contentTypeOf(outbound)
    const made = signMessage(scheme, key, {
      method,
      url: origin + outbound.path,
      body: outbound.body ?? EMPTY,
      contentType,
      headers: fieldsOf(outbound),
      nowMs,
      id,
    })
    const { url, body, headers } = made
    const fields = made.contentType === contentType ? outbound.headers : withType(outbound.headers, made.contentType)
    return {
      ...outbound,
      path: url.slice(origin.length),
      headers: [...fields, ...headers.flat()],
      body: body.length === 0 ? undefined : body,
    }
  })
}

/**
 * Signs as the gate itself (`forward.sign`), with the time at which it leaves. Libraries of Standard Webhooks verify a
 * text, so a body that is compressed is signed as it was before.
 */
export function ownSignature(key: MacKey): Credential {
  return new Standing((outbound, nowMs) => {
    const headers = [...outbound.headers]
    signStandardWebhooks(headers, key, outbound.id, outbound.uncompressed ?? outbound.body ?? EMPTY, nowMs)
    return { ...outbound, headers }
  })
}

function withType(headers: readonly string[], type: string): string[] {
  const others = headers.filter((_text, at) => headers[at & ~1]?.toLowerCase() !== 'content-type')
  return [...others, 'Content-Type', type]
}

function contentTypeOf({ headers }: Outbound): string {
  for (let at = 0; at < headers.length; at += 2)
    if (headers[at]?.toLowerCase() === 'content-type') return headers[at + 1] ?? ''
  return ''
}

function fieldsOf({ headers }: Outbound): SignedHeaders {
  const fields: [string, string][] = []
  for (let at = 0; at < headers.length; at += 2) fields.push([headers[at] ?? '', headers[at + 1] ?? ''])
  return fields
}
