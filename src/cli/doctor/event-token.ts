import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import type { BasicConfig } from '../../checks/basic.ts'
import type { JwtConfig } from '../../checks/jwt-config.ts'
import type { Resources } from '../../core/resources.ts'
import { nameOfSecret, type SecretRef } from '../../core/secret.ts'
import { secretBytes } from '../../signing/secret-bytes.ts'
import { type EventMaker, JSON_BODIES, NoEvent } from './event-maker.ts'

interface Expiring {
  readonly expires?: number | undefined
}
export interface NamedToken extends Expiring {
  readonly name: string
  readonly ref: SecretRef
}

const isLive = ({ expires }: Expiring): boolean => expires === undefined || expires > Date.now()
const randomText = (): string => `sallyport-doctor-${randomUUID()}`

/** An event that is let in by what stands in one header. */
function bearing(
  check: string,
  as: string,
  header: string,
  forgeries: EventMaker['forgeries'],
  credential: (forge: EventMaker['forgeries'][number] | undefined) => string,
): EventMaker {
  return {
    check,
    as,
    headers: [header],
    bare: true,
    bodies: JSON_BODIES,
    forgeries,
    make: (url, _origin, body, forge) => ({
      url,
      headers: [
        ['Content-Type', JSON_BODIES.contentType],
        [header, credential(forge)],
      ],
      body,
    }),
  }
}

/** With a fixed token, or a key. @param scheme what stands before it, with a blank */
export function tokenEvents(
  check: string,
  tokens: readonly NamedToken[],
  resources: Resources,
  header: string,
  scheme = '',
): EventMaker | NoEvent {
  const live = tokens.find(isLive)
  if (live === undefined)
    return new NoEvent(
      `the ${check} names no token whose value the config refers to, and of the hashes in a tokens-file no token can be made`,
    )
  const secret = resources.secret(live.ref)
  return bearing(check, `${check} "${live.name}"`, header, ['secret'], forge =>
    forge === undefined ? scheme + secret.text() : scheme + randomText(),
  )
}

/** With the name and the password of a user. */
export function basicEvents({ users }: BasicConfig, resources: Resources): EventMaker | NoEvent {
  const user = users.find(isLive)
  if (user === undefined) return new NoEvent('all of its passwords have ended')
  const secret = resources.secret(user.password)
  const encoded = (password: string): string => `Basic ${Buffer.from(`${user.name}:${password}`).toString('base64')}`
  return bearing('basic', `basic "${user.name}"`, 'Authorization', ['secret'], forge =>
    encoded(forge === undefined ? secret.text() : randomText()),
  )
}

const HASH: Readonly<Record<string, string>> = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' }
/** Seconds: a token of the doctor's is of no use for longer. */
const LIFE_S = 30
const OLD_S = 30 * 86_400

/** With a token that the doctor signs itself, where the route shares a secret with the issuer. */
export function jwtEvents(config: JwtConfig, resources: Resources): EventMaker | NoEvent {
  const { secrets = [], algorithms, encoding, header } = config
  if (secrets.length === 0)
    return new NoEvent('its tokens are signed by the issuer with a private key: only public keys are configured')
  if (config['certificate-bound'])
    return new NoEvent('its tokens are bound to a client certificate, and the issuer alone binds them')
  const [index, live] = [...secrets.entries()].find(([, each]) => isLive(each)) ?? []
  const alg = algorithms.find(one => HASH[one] !== undefined)
  if (live === undefined || alg === undefined) return new NoEvent('all of its secrets have ended')
  const name = nameOfSecret(live, index ?? 0)
  const secret = resources.secret(live.ref)
  const key = encoding === 'base64url' ? Buffer.from(secret.text(), 'base64url') : secretBytes(secret, encoding)
  const shown = header.toLowerCase() === 'authorization' ? 'Bearer ' : ''
  return bearing('jwt', `a token (${alg}) under the secret "${name}"`, header, ['secret', 'timestamp'], forge => {
    const now = Math.floor(Date.now() / 1000) - (forge === 'timestamp' ? OLD_S : 0)
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
    const input = `${part({ alg, typ: config.typ ?? 'JWT' })}.${part(claimsOf(config, now))}`
    const signature = createHmac(HASH[alg] ?? '', forge === 'secret' ? randomBytes(64) : key).update(input)
    return `${shown}${input}.${signature.digest('base64url')}`
  })
}

function claimsOf({ issuer, audience, scopes, principal }: JwtConfig, now: number): Readonly<Record<string, unknown>> {
  return {
    [principal]: 'sallyport-doctor',
    ...(issuer ? { iss: issuer[0] } : {}),
    ...(audience ? { aud: audience[0] } : {}),
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
    iat: now,
    exp: now + LIFE_S,
  }
}
