import type { Secret } from '../../core/secret.ts'
import { SecretFault } from '../../signing/provider.ts'
import type { ApiKeyConfig } from './config.ts'
import { type Credential, Standing, withField } from './credential.ts'

/** RFC 6750 section 2.1. @throws SecretFault where the secret is no token */
export function bearer(token: Secret): Credential {
  const text = token.text()
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new SecretFault('the bearer token holds what no field can hold', 'copy the token again, visible ASCII alone')
  return field('Authorization', `Bearer ${text}`)
}

/** RFC 7617, in UTF-8. */
export function basic(username: string, password: Secret): Credential {
  const pair = Buffer.concat([Buffer.from(`${username}:`), password.bytes()])
  return field('Authorization', `Basic ${pair.toString('base64')}`)
}

/** @throws SecretFault where the secret can't be written where it is to stand */
export function apiKey(config: ApiKeyConfig, value: Secret): Credential {
  const text = value.text()
  const { header, query } = config
  if (query !== undefined) {
    const parameter = `${query}=${encodeURIComponent(text)}`
    return new Standing(outbound => ({ ...outbound, path: withParameter(outbound.path, query, parameter) }))
  }
  if (!/^[\x21-\x7e]+$/.test(text))
    throw new SecretFault('the API key holds what no field can hold', 'copy the key again, visible ASCII alone')
  return field(header ?? '', config.prefix + text)
}

const field = (name: string, value: string): Credential => new Standing(outbound => withField(outbound, name, value))

/** The target with the parameter at its end, and without the sender's of that name: of two, many servers take the first. */
function withParameter(path: string, name: string, parameter: string): string {
  const mark = path.indexOf('?')
  if (mark < 0) return `${path}?${parameter}`
  const others = path
    .slice(mark + 1)
    .split('&')
    .filter(pair => nameOf(pair) !== name)
  return `${path.slice(0, mark)}?${[...others, parameter].join('&')}`
}

/** The name of a pair, as far as it is ASCII. */
const nameOf = (pair: string): string =>
  (pair.split('=', 1)[0] ?? '').replace(/%([0-7][0-9A-Fa-f])/g, (_escape, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
