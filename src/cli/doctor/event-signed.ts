import { randomBytes, randomUUID } from 'node:crypto'
import type { SignatureConfig } from '../../checks/signature-config.ts'
import { chooseScheme } from '../../checks/signature-scheme.ts'
import type { SpelledOutConfig } from '../../checks/signature-spelled.ts'
import type { RouteConfig } from '../../config/model.ts'
import type { Resources } from '../../core/resources.ts'
import { type NamedSecret, nameOfSecret, type Secret } from '../../core/secret.ts'
import { providerOf } from '../../signing/index.ts'
import { DEFAULT_COMPONENTS, messageSignatory } from '../../signing/message-signatory.ts'
import { newCredentials, type Signatory } from '../../signing/provider.ts'
import { compose, type Forgery } from '../send-message.ts'
import { type BodyKind, type EventMaker, FORM_BODIES, JSON_BODIES, NoEvent, READ_FORM_BODIES } from './event-maker.ts'

const PRIVATE = 'signs with a private key that only it holds'

/** Events signed as the route wants them, under a secret of the config. @throws Offline, SecretFault where it is not usable */
export function signedEvents(config: SignatureConfig, route: RouteConfig, resources: Resources): EventMaker | NoEvent {
  const held = firstThere(config.secrets ?? [], resources)
  const provider = 'provider' in config ? providerOf(config.provider) : undefined
  if (held === undefined)
    return new NoEvent(`${provider?.name ?? 'whoever sends here'} ${PRIVATE}: only its public key is configured`)
  const signatory = signatoryOf(config, held.each)
  if (signatory instanceof NoEvent) return signatory
  if (provider !== undefined && newCredentials(provider) === undefined)
    return new NoEvent(`${provider.name} ${PRIVATE}`)
  const bodies = bodiesOf(route, signatory, provider ? (provider.accept ?? ['json']) : ['json', 'form'])
  if (bodies instanceof NoEvent) return bodies
  const { scheme } = signatory
  const all: readonly Forgery[] = ['secret', 'timestamp', 'body']
  return {
    check: 'signature',
    as: `${signatory.name} under the secret "${held.name}"`,
    headers: scheme.headers,
    bare: scheme.kind === 'token',
    bodies,
    forgeries: all.filter(
      forge =>
        (forge !== 'timestamp' || scheme.tolerance !== undefined) &&
        (forge !== 'body' || (scheme.kind !== 'token' && !scheme.partOfBody)),
    ),
    make: (url, publicOrigin, body, forge) =>
      compose({
        signatory,
        secret: held.secret,
        url,
        publicOrigin,
        body,
        contentType: bodies.contentType,
        headers: [],
        id: `sallyport-doctor-${randomUUID()}`,
        nowMs: Date.now(),
        forge,
      }),
  }
}

function signatoryOf(config: SignatureConfig, { id }: Shared): Signatory | NoEvent {
  if ('provider' in config) {
    const provider = providerOf(config.provider)
    return provider ? { ...provider, scheme: chooseScheme(config).scheme } : new NoEvent('its provider is unknown')
  }
  if (config.scheme !== 'http-message-signature') return spelledOut(config)
  if (config.algorithm !== 'hmac-sha256') return new NoEvent(`whoever sends here ${PRIVATE}`)
  return messageSignatory({
    algorithm: config.algorithm,
    components: config.require ?? DEFAULT_COMPONENTS,
    keyid: id,
    label: config.label,
    tag: config.tag,
    writing: config['key-form'],
  })
}

/** A scheme that the config spells out, as far as it says where everything stands. */
function spelledOut(config: SpelledOutConfig): Signatory | NoEvent {
  const { scheme, readers } = chooseScheme(config)
  const { field, timestamp, id, 'key-form': writing = 'text' } = config
  const inBody =
    field ?? (timestamp?.json === undefined ? undefined : timestamp) ?? (id && 'json' in id ? id : undefined)
  if (inBody !== undefined)
    return new NoEvent(
      'what it signs by stands in the body, of which the config tells one member alone: sallyport send takes a body',
    )
  const { secret } = readers
  if (secret === undefined) return new NoEvent(`whoever sends here ${PRIVATE}`)
  return {
    id: scheme.kind,
    name: `the scheme ${scheme.kind} of the config`,
    scheme,
    secret: {
      looks: 'the shared secret',
      where: 'agreed with the sender',
      madeBy: 'operator',
      parse: value => secret.parse(value),
      create: () => {
        const bytes = randomBytes(32)
        if (writing === 'whsec') return `whsec_${bytes.toString('base64')}`
        return bytes.toString(writing === 'base64' ? 'base64' : 'hex')
      },
    },
  }
}

/** Bodies that the service sends and the route takes: JSON, where both do. @param sends kinds of body */
function bodiesOf(route: RouteConfig, { name, scheme }: Signatory, sends: readonly string[]): BodyKind | NoEvent {
  const own: unknown = route.checks.find(({ kind }) => kind.name === 'content-type')?.config
  const listed: unknown = typeof own === 'object' && own !== null ? Reflect.get(own, 'accept') : undefined
  const taken: readonly unknown[] = Array.isArray(listed) ? listed : ['json']
  const fits = (kind: string): boolean =>
    sends.includes(kind) && taken.some(one => one === kind || one === 'any' || one === TYPES[kind])
  if (fits('json')) return JSON_BODIES
  // What is signed field by field has to be readable.
  const whole = scheme.described?.every(({ payload }) => payload.includes('{body}')) === true
  if (fits('form')) return whole ? FORM_BODIES : READ_FORM_BODIES
  return new NoEvent(
    `${name} sends ${sends.join(' or ')}, the route takes ${taken.join(', ')}, and the doctor makes JSON and forms`,
  )
}

const TYPES: Readonly<Record<string, string>> = { json: 'application/json', form: 'application/x-www-form-urlencoded' }

/** With the keyid of its signatures, where it has one. */
type Shared = NamedSecret & { readonly id?: string | undefined }

function firstThere(
  secrets: readonly Shared[],
  resources: Resources,
): { readonly name: string; readonly secret: Secret; readonly each: Shared } | undefined {
  let missing: unknown
  for (const [index, each] of secrets.entries()) {
    if (each.expires !== undefined && each.expires < Date.now()) continue
    try {
      return { name: nameOfSecret(each, index), secret: resources.secret(each.ref), each }
    } catch (error) {
      missing ??= error
    }
  }
  if (missing instanceof Error) throw missing
  return undefined
}
