import { z } from 'zod'
import { defineCheck } from '../core/check.ts'
import { deny, type Facts } from '../core/decision.ts'
import type { BodyRequest } from '../core/request.ts'
import { Offline, type Resources } from '../core/resources.ts'
import { type NamedSecret, namedSecret, nameOfSecret } from '../core/secret.ts'
import { duration } from '../core/units.ts'
import { hmacScheme } from '../signing/hmac.ts'
import { providerOf, providers } from '../signing/index.ts'
import { type Provider, SecretFault } from '../signing/provider.ts'
import type { Scheme, SignatureMatch, SigningKey } from '../signing/scheme.ts'
import { Template, TemplateFault } from '../signing/template.ts'

const headerName = z
  .string()
  .regex(
    /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/,
    'is no header name: write it as the sender does, without blanks, e.g. X-Signature',
  )

const secrets = z
  .array(namedSecret)
  .min(1)
  .describe(
    'The secrets by reference. Any of them verifies, so that one can replace another; each may have a name and an end.',
  )

const tolerance = duration().optional().describe('How old or how far ahead a signed timestamp may be. Default 5m.')

const preset = z.strictObject({
  provider: z.enum(providers.map(provider => provider.id) as [string, ...string[]]).describe('The service that sends.'),
  secrets,
  tolerance,
})

const eventId = z.union([
  z.strictObject({ header: headerName.describe('The header that holds it.') }),
  z.strictObject({
    json: z
      .string()
      .regex(/^[^.]+(\.[^.]+)*$/, 'a member of the JSON body, or members with a dot between each two, e.g. data.id')
      .describe('The member of the JSON body that holds it, e.g. data.id.'),
  }),
])

const spelledOut = z.strictObject({
  scheme: z.literal('hmac').describe('The scheme spelled out, for a service without a preset.'),
  algorithm: z.enum(['sha1', 'sha256', 'sha384', 'sha512']).default('sha256').describe('The hash. Default sha256.'),
  header: headerName.describe('The header that holds the signature.'),
  encoding: z
    .enum(['hex', 'base64', 'base64url'])
    .default('hex')
    .describe('How the signature is written. Default hex.'),
  prefix: z.string().default('').describe('What stands before the signature, e.g. "sha256=".'),
  payload: z
    .string()
    .default('{body}')
    .superRefine((text, context) => {
      try {
        new Template(text)
      } catch (error) {
        if (!(error instanceof TemplateFault)) throw error
        context.addIssue({ code: 'custom', message: error.message })
      }
    })
    .describe(
      'What is signed: {body}, and around it {timestamp}, {id}, {method}, {url}, {path}, {query}, {header:NAME}. Default {body}.',
    ),
  timestamp: z
    .strictObject({
      header: headerName.describe('The header that holds the signed timestamp.'),
      unit: z
        .enum(['s', 'ms', 'iso'])
        .default('s')
        .describe('Seconds or milliseconds since 1970, or RFC 3339 text. Default s.'),
    })
    .optional(),
  id: z.strictObject({ header: headerName.describe("The header that holds the event's signed id.") }).optional(),
  'event-id': eventId.optional().describe("Where the sender's id of the event stands."),
  tolerance,
  secrets,
})

type Config = z.output<typeof preset> | z.output<typeof spelledOut>

const WWW_AUTHENTICATE = [['WWW-Authenticate', 'Signature']] as const

/** Verifies a webhook's signature over the exact bytes of its body. */
export const signature = defineCheck({
  name: 'signature',
  stage: 'body',
  summary:
    'Admits requests that are signed as the service signs, with one of the secrets; the signature covers the bytes as sent.',
  example: 'signature: { provider: github, secrets: [{ env: GITHUB_SECRET }] }',
  config: z.union([preset, spelledOut]).superRefine(crossCheck),
  denials: {
    'signature.missing': {
      status: 401,
      title: 'Missing signature',
      meaning: 'A header that the scheme needs is not there.',
      remedy:
        'Is a secret set in the service at all? The evidence names the header; "sallyport providers NAME" tells where the secret is set.',
      headers: WWW_AUTHENTICATE,
    },
    'signature.malformed': {
      status: 401,
      title: 'Malformed signature',
      meaning: 'The signature, its timestamp or its id is not written as the scheme writes it.',
      remedy:
        'Is it the right provider for this sender? Compare the header that the evidence names with "sallyport providers NAME".',
      headers: WWW_AUTHENTICATE,
    },
    'signature.mismatch': {
      status: 401,
      title: 'Invalid signature',
      meaning: 'The signature is well formed and was made over other bytes, or with another secret.',
      remedy: 'Compare the secret with the one in the service; look for something in between that changes the body.',
      headers: WWW_AUTHENTICATE,
    },
    'signature.expired': {
      status: 401,
      title: 'Expired signature',
      meaning: 'The signed timestamp is older, or further ahead, than the tolerance.',
      remedy:
        'Compare the clocks of sender and gate (the evidence has the difference). A retry long after the event is refused on purpose.',
      headers: WWW_AUTHENTICATE,
    },
  },
  create(config: Config, resources) {
    const provider = 'provider' in config ? providerOf(config.provider) : undefined
    const scheme = provider?.scheme ?? schemeOf(config)
    const keys = loadKeys(config.secrets, provider, resources)
    const toleranceMs = scheme.tolerance === undefined ? undefined : (config.tolerance ?? scheme.tolerance)
    const verifier = scheme.verifier(keys, toleranceMs)
    const principal = provider?.id ?? scheme.kind
    const readEventId = eventIdReader('provider' in config ? provider?.eventId : customEventId(config))
    return {
      foresee(request) {
        const fault = verifier.foresee(request, resources.clock.now())
        return fault && deny(fault.code, fault.evidence)
      },
      decide(request) {
        const now = resources.clock.now()
        const verdict = verifier.verify(request, now)
        if (!verdict.ok) return deny(verdict.code, verdict.evidence)
        return { ok: true, facts: factsOf(verdict, principal, readEventId(request), toleranceMs, now) }
      },
    }
  },
})

function crossCheck(config: Config, context: z.RefinementCtx): void {
  const say = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
  if ('provider' in config) {
    if (config.tolerance !== undefined && providerOf(config.provider)?.scheme.tolerance === undefined)
      say('tolerance', `${config.provider} signs no timestamp that could be old: leave tolerance out, and add replay`)
    return
  }
  const { payload, timestamp, id } = config
  const names = (name: string) => payload.includes(name)
  if (timestamp && !names('{timestamp}'))
    say('payload', 'the timestamp is not part of what is signed, so anyone can renew it: add {timestamp}')
  if (!timestamp && names('{timestamp}'))
    say('payload', 'names {timestamp}, and no header is given for it: add timestamp: { header: NAME }')
  if (id && !names('{id}'))
    say('payload', 'the id is not part of what is signed, so anyone can change it: add {id}, or use event-id instead')
  if (!id && names('{id}')) say('payload', 'names {id}, and no header is given for it: add id: { header: NAME }')
  if (config.tolerance !== undefined && !timestamp)
    say('tolerance', 'there is no signed timestamp that could be old: leave tolerance out, or add timestamp')
}

function schemeOf(config: Config): Scheme {
  if ('provider' in config) throw new Error(`unknown provider ${config.provider}`)
  const { algorithm, header, encoding, prefix, payload, timestamp, id } = config
  return hmacScheme({
    algorithm,
    header,
    encoding,
    prefix,
    payload,
    ...(timestamp ? { timestamp } : {}),
    ...(id ? { id } : {}),
  })
}

/**
 * The keys that are there. One that is missing is passed over while another is there, so that taking the old secret out
 * of the environment ends a rotation and not the route.
 */
function loadKeys(named: readonly NamedSecret[], provider: Provider | undefined, resources: Resources): SigningKey[] {
  const keys: SigningKey[] = []
  let missing: Offline | undefined
  named.forEach((each, index) => {
    const name = nameOfSecret(each, index)
    try {
      const secret = resources.secret(each.ref)
      keys.push({ name, bytes: provider ? provider.secret.parse(secret) : secret.bytes(), expires: each.expires })
      if (each.expires !== undefined)
        resources.expires({ kind: 'secret', name: `${resources.route}/signature/${name}`, at: each.expires })
    } catch (error) {
      if (error instanceof SecretFault) throw new Offline(`secret "${name}": ${error.message}`, error.mend)
      if (!(error instanceof Offline)) throw error
      missing ??= error
    }
  })
  if (keys.length === 0) throw missing ?? new Offline('there is no secret', 'Name one under secrets.')
  return keys
}

type EventIdReader = (request: BodyRequest) => { readonly id: string; readonly signed: boolean } | undefined

function customEventId(config: z.output<typeof spelledOut>): Provider['eventId'] {
  const place = config['event-id']
  if (place && 'json' in place) return { json: place.json.split('.') }
  if (place)
    return {
      header: place.header,
      signed: config.payload.toLowerCase().includes(`{header:${place.header.toLowerCase()}}`),
    }
  return undefined
}

function eventIdReader(place: Provider['eventId']): EventIdReader {
  if (place === undefined) return () => undefined
  if ('header' in place) {
    const lower = place.header.toLowerCase()
    return request => {
      const id = request.headers.one(lower)
      return id ? { id, signed: place.signed } : undefined
    }
  }
  return request => {
    let value: unknown = request.peekJson()
    for (const name of place.json) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
      value = (value as Readonly<Record<string, unknown>>)[name]
    }
    // A larger number was rounded when it was read, and two events would look like one.
    if (typeof value === 'number' && !Number.isSafeInteger(value)) return undefined
    return typeof value === 'string' || typeof value === 'number' ? { id: String(value), signed: true } : undefined
  }
}

/**
 * A signed event id is what `replay` remembers. Where it is not signed, the MAC is remembered beside it: a stranger who
 * repeats a captured request can write another id, but not another MAC.
 */
function factsOf(
  match: SignatureMatch,
  principal: string,
  event: ReturnType<EventIdReader>,
  toleranceMs: number | undefined,
  nowMs: number,
): Facts {
  const id = match.id ?? event?.id
  const signed = match.id !== undefined || event?.signed === true
  return {
    principal,
    principalBy: 'signature',
    keyName: match.key,
    ...(id === undefined ? {} : { eventId: id }),
    ...(signed || match.mac === undefined ? {} : { nonce: match.mac.toString('hex') }),
    ...(match.timestamp === undefined || toleranceMs === undefined
      ? {}
      : { verifiesForMs: Math.max(0, match.timestamp + toleranceMs - nowMs) }),
  }
}
