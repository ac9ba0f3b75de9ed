import { randomUUID } from 'node:crypto'
import type { RouteConfig } from '../../config/model.ts'
import type { Member } from '../../core/check.ts'
import { Offline, type Resources } from '../../core/resources.ts'
import { type NamedSecret, nameOfSecret, type Secret, type SecretRef } from '../../core/secret.ts'
import { providerOf } from '../../signing/index.ts'
import { newCredentials, type Provider, SecretFault } from '../../signing/provider.ts'
import { VerbFault } from '../fault.ts'
import { compose, type Forgery } from '../send-message.ts'

/** What stands in a request to the gate. */
export interface TestEvent {
  /** The path and query that it goes to: some schemes sign in the query. */
  readonly url: URL
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

export type Spoilt = Forgery | undefined

/** How to make events that a route admits, and others that it must not. */
export interface EventMaker {
  /** The check that is tried. */
  readonly check: string
  /** `GitHub under the secret "current"`. */
  readonly as: string
  /** What proves it: the headers that it is signed or let in by. */
  readonly headers: readonly string[]
  readonly forgeries: readonly Forgery[]
  /** Whether the right one gives away what lets in: a bare token. */
  readonly bare: boolean
  /** @throws VerbFault where the body can't be signed as the service signs */
  make(url: URL, body: Buffer, forge: Spoilt): TestEvent
}

/** Why no event can be made. */
export class NoEvent {
  readonly because: string
  constructor(because: string) {
    this.because = because
  }
}

/**
 * Valid to a reader of JSON that takes the last of two, so that it can be signed; and refused by the gate as ambiguous
 * once every check of the head and of the bytes has passed. It never reaches an upstream.
 */
export const UNFORWARDABLE = Buffer.from('{"sallyport-doctor":"probe","sallyport-doctor":"probe"}')
/** Marked for whoever sees it arrive. */
export const markedEvent = (id: string): Buffer =>
  Buffer.from(JSON.stringify({ 'sallyport-doctor': 'test event, sent by sallyport doctor --send', id }))

/** Of the first check of the route that can be answered with what the config refers to. */
export function eventMakerOf(route: RouteConfig, resources: Resources): EventMaker | NoEvent {
  // One that only reports refuses nothing.
  const found = flat(enforced(route)).map(member => makerOf(member, resources))
  return (
    found.find((maker): maker is EventMaker => maker !== undefined && !(maker instanceof NoEvent)) ??
    found.find(maker => maker !== undefined) ??
    new NoEvent('none of its checks that refuse verifies a signature or a token of the config')
  )
}

/** The checks that refuse: others only report what they would. */
export const enforced = ({ checks }: RouteConfig): RouteConfig['checks'] =>
  checks.filter(({ report }) => report !== true)

function flat(checks: readonly Pick<Member, 'kind' | 'config'>[]): Pick<Member, 'kind' | 'config'>[] {
  return checks.flatMap(check => (check.kind.members ? flat(check.kind.members(check.config)) : [check]))
}

function makerOf(
  { kind, config }: Pick<Member, 'kind' | 'config'>,
  resources: Resources,
): EventMaker | NoEvent | undefined {
  try {
    if (kind.name === 'signature') return signed(config as SignatureLike, resources)
    if (kind.name === 'bearer') {
      const { tokens } = config as { readonly tokens: readonly TokenLike[] }
      return token('bearer', tokens, resources, value => ['Authorization', `Bearer ${value}`])
    }
    if (kind.name === 'api-key') {
      const { keys, header } = config as { readonly keys: readonly TokenLike[]; readonly header: string }
      return token('api-key', keys, resources, value => [header, value])
    }
  } catch (error) {
    if (error instanceof Offline || error instanceof SecretFault) return new NoEvent(error.message)
    throw error
  }
  return undefined
}

interface SignatureLike {
  readonly provider?: string
  readonly secrets?: readonly NamedSecret[]
  readonly scheme?: string
}

function signed({ provider: id, secrets }: SignatureLike, resources: Resources): EventMaker | NoEvent {
  const provider = id === undefined ? undefined : providerOf(id)
  if (provider === undefined) return new NoEvent('its signature is spelled out in the config')
  const held = firstThere(secrets ?? [], resources)
  if (held === undefined || newCredentials(provider) === undefined)
    return new NoEvent(`${provider.name} signs with a private key that only it holds`)
  const { scheme } = provider
  const all: readonly Forgery[] = ['secret', 'timestamp', 'body']
  return {
    check: 'signature',
    as: `${provider.name} under the secret "${held.name}"`,
    headers: scheme.headers,
    bare: scheme.kind === 'token',
    forgeries: all.filter(
      forge =>
        (forge !== 'timestamp' || scheme.tolerance !== undefined) &&
        (forge !== 'body' || (scheme.kind !== 'token' && !scheme.partOfBody)),
    ),
    make: (url, body, forge) => composed(provider, held.secret, url, body, forge),
  }
}

function composed(provider: Provider, secret: Secret, url: URL, body: Buffer, forge: Spoilt): TestEvent {
  const { accept = ['json'] } = provider
  if (!accept.includes('json')) throw new VerbFault(`${provider.name} sends forms alone`, 'use sallyport send')
  return compose({
    signatory: provider,
    secret,
    url,
    publicOrigin: url.origin,
    body,
    contentType: 'application/json',
    headers: [],
    id: `sallyport-doctor-${randomUUID()}`,
    nowMs: Date.now(),
    forge,
  })
}

function firstThere(
  secrets: readonly NamedSecret[],
  resources: Resources,
): { name: string; secret: Secret } | undefined {
  let missing: unknown
  for (const [index, each] of secrets.entries()) {
    if (each.expires !== undefined && each.expires < Date.now()) continue
    try {
      return { name: nameOfSecret(each, index), secret: resources.secret(each.ref) }
    } catch (error) {
      missing ??= error
    }
  }
  if (missing instanceof Error) throw missing
  return undefined
}

interface TokenLike {
  readonly name: string
  readonly ref: SecretRef
  readonly expires?: number | undefined
}

function token(
  check: string,
  tokens: readonly TokenLike[],
  resources: Resources,
  field: (value: string) => readonly [string, string],
): EventMaker | NoEvent {
  const live = tokens.find(({ expires }) => expires === undefined || expires > Date.now())
  if (live === undefined) return new NoEvent(`the ${check} names no token whose value the config refers to`)
  const secret = resources.secret(live.ref)
  return {
    check,
    as: `${check} "${live.name}"`,
    headers: [field('')[0]],
    bare: true,
    forgeries: ['secret'],
    make: (url, body, forge) => ({
      url,
      headers: [
        ['Content-Type', 'application/json'],
        field(forge === undefined ? secret.text() : `sallyport-doctor-${randomUUID()}`),
      ],
      body,
    }),
  }
}
