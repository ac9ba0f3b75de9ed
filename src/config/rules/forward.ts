import { providerOf } from '../../signing/index.ts'
import { MESSAGE_FIELDS } from '../../signing/message-signatory.ts'
import type { Provider } from '../../signing/provider.ts'
import { error, type Fault, type Path, warning } from '../fault.ts'
import { isLoopback, urlFault } from '../url.ts'
import type { DraftFile, Rule } from './context.ts'

type ForwardDraft = NonNullable<NonNullable<NonNullable<DraftFile['routes']>[number]>['forward']>

function* forwards(file: DraftFile): Generator<{ forward: ForwardDraft; path: Path }> {
  for (const [index, route] of (file.routes ?? []).entries())
    if (route?.forward) yield { forward: route.forward, path: ['routes', index, 'forward'] }
}

const isPlain = (url: string | undefined): boolean => url?.startsWith('http:') === true

/** Settings of TLS for an upstream that is asked in plain HTTP would protect nothing. */
export const tlsToHttps: Rule = function* (file, context) {
  for (const { forward, path } of forwards(file)) {
    const at = [...path, 'tls']
    if (isPlain(forward.to) && context.at(at) !== undefined)
      yield error(at, 'tls: "to" is plain HTTP, so nothing here would be used', 'write https:// in to', 'key')
  }
}

/** What lets the gate in elsewhere is for that service alone. */
export const credentialsInTls: Rule = function* (file) {
  for (const { forward, path } of forwards(file)) {
    const { to, authenticate } = forward
    if (authenticate === undefined || to === undefined || !isPlain(to) || isLoopback(to)) continue
    // A signature gives nothing away.
    const open = (['bearer', 'basic', 'api-key', 'oauth2'] as const).find(key => authenticate[key] !== undefined)
    if (open)
      yield warning(
        [...path, 'authenticate', open],
        `${open}: "to" is plain HTTP, so whoever is on the way reads it`,
        'write https:// in to',
        'key',
      )
  }
}

export const tokenEndpoint: Rule = function* (file) {
  for (const { forward, path } of forwards(file)) {
    const oauth2 = forward.authenticate?.oauth2
    if (oauth2 === undefined) continue
    const at = [...path, 'authenticate', 'oauth2']
    const url = oauth2['token-url']
    if (url !== undefined) yield* tokenUrl(url, [...at, 'token-url'])
    const known = oauth2['client-secret'] ?? oauth2['private-key-jwt'] ?? forward.tls?.certificate
    if (known === undefined && oauth2['client-id'] !== undefined)
      yield error(
        at,
        'oauth2: nothing proves to the token endpoint who asks',
        'add client-secret: { env: NAME }, private-key-jwt, or the certificate of tls',
      )
  }
}

function* tokenUrl(url: string, at: Path): Generator<Fault> {
  const fault = urlFault(url)
  if (fault) yield { ...error(at, `token-url: ${JSON.stringify(url)} ${fault.message}`, fault.mend), part: fault.part }
  else if (isPlain(url) && !isLoopback(url))
    yield error(at, 'token-url: it is plain HTTP, so whoever is on the way reads secret and token', 'write https://')
}

/** A field that the gate writes and the sender's beside it would be two values for one question. */
export const oneValueEach: Rule = function* (file) {
  for (const { forward, path } of forwards(file)) {
    const { authenticate: own } = forward
    if (own === undefined) continue
    const signing = fieldsOf(own.signature)
    const written = [own['api-key']?.header, ...signing].flatMap(name => name?.toLowerCase() ?? [])
    const authorization = own.bearer ?? own.basic ?? own.oauth2
    if (authorization !== undefined) {
      if (written.includes('authorization'))
        yield error(
          [...path, 'authenticate'],
          'authenticate: two credentials write Authorization',
          'keep one of them',
          'key',
        )
      written.push('authorization')
    }
    for (const [index, name] of (forward['pass-headers'] ?? []).entries())
      if (name !== undefined && written.includes(name.toLowerCase()))
        yield error(
          [...path, 'pass-headers', index],
          `pass-headers: ${name} is written by authenticate`,
          "leave it out: the gate's own credential stands there",
        )
    if (forward.sign !== undefined && signing.some(name => name.toLowerCase() === 'webhook-signature'))
      yield error(
        [...path, 'sign'],
        'sign: authenticate.signature writes the same fields',
        'keep one of the two',
        'key',
      )
  }
}

type SignatureDraft = NonNullable<ForwardDraft['authenticate']>['signature']

function signingProvider(signature: SignatureDraft): Provider | undefined {
  return signature !== undefined && 'provider' in signature ? providerOf(signature.provider ?? '') : undefined
}

/** The fields that a signature writes. */
function fieldsOf(signature: SignatureDraft): readonly string[] {
  if (signature === undefined) return []
  return 'scheme' in signature ? MESSAGE_FIELDS : (signingProvider(signature)?.scheme.headers ?? [])
}

/** What needs the body, or a request twice, can't be on a route that streams. */
export const streamed: Rule = function* (file, context) {
  for (const { forward, path } of forwards(file)) {
    if (forward.websocket === true && forward.stream === false)
      yield error([...path, 'websocket'], 'websocket: the route does not stream', 'add "stream: true"', 'key')
    if (forward.stream !== true) continue
    for (const key of ['body', 'retry', 'digest', 'sign'] as const)
      if (context.at([...path, key]) !== undefined)
        yield error(
          [...path, key],
          `${key}: a route that streams has no body at hand`,
          'leave it out, or "stream"',
          'key',
        )
    if (forward.authenticate?.signature !== undefined)
      yield error(
        [...path, 'authenticate', 'signature'],
        'signature: a route that streams has no body at hand',
        'leave it out, or "stream"',
        'key',
      )
    const checks = context.at([...path.slice(0, 2), 'checks'])
    for (const [index, item] of (Array.isArray(checks) ? checks : []).entries())
      for (const kind of context.kinds)
        if (kind.stage !== 'head' && typeof item === 'object' && item !== null && Object.hasOwn(item, kind.name))
          yield error(
            [...path.slice(0, 2), 'checks', index, kind.name],
            `checks: "${kind.name}" needs the body, which a route that streams does not read`,
            'leave it out, or "stream" of forward',
            'key',
          )
  }
}

/** The end of a line of nginx: to a URL it is a character of the path. */
export const noSemicolon: Rule = function* (file) {
  for (const { forward, path } of forwards(file)) {
    if (forward.to?.endsWith(';') !== true) continue
    const part = { at: forward.to.length - 1, length: 1 }
    const said = 'to: the ";" at its end is sent as a part of the path'
    yield { ...warning([...path, 'to'], said, "leave it out, unless the upstream's own path has it"), part }
  }
}

/** A scheme that changes the body that is sent, or reads it, needs it as it can read it. */
export const signedBodies: Rule = function* (file) {
  for (const { forward, path } of forwards(file)) {
    const provider = signingProvider(forward.authenticate?.signature)
    if (provider === undefined) continue
    const { name, accept, scheme } = provider
    if (scheme.textBody && scheme.body === undefined && forward.body?.compress !== undefined)
      yield error(
        [...path, 'body', 'compress'],
        `compress: ${name} signs a body that is text, and a compressed one would be refused for its signature`,
        'leave it out',
        'key',
      )
    if (scheme.body === undefined) continue
    if (forward.body?.compress !== undefined)
      yield error(
        [...path, 'body', 'compress'],
        `compress: ${name} changes the body that it signs, and can't change a compressed one`,
        'leave it out',
        'key',
      )
    if (forward.body?.as === 'form' && !accept?.includes('form'))
      yield error(
        [...path, 'body', 'as'],
        `as: ${name} changes the body that it signs, which is JSON`,
        'leave it out',
        'key',
      )
  }
}
