import type { Resources } from '../core/resources.ts'
import type { Secret, SecretRef } from '../core/secret.ts'
import { AddressGuard } from '../forward/address-guard.ts'
import { BodyShaper } from '../forward/body-shaper.ts'
import { Bridge } from '../forward/bridge.ts'
import { carriesCredentials, type ForwardConfig } from '../forward/config.ts'
import { assertionOf } from '../forward/credentials/assertion.ts'
import type { AuthenticateConfig, OAuth2Config } from '../forward/credentials/config.ts'
import type { Credential } from '../forward/credentials/credential.ts'
import { type ClientProof, OAuth2 } from '../forward/credentials/oauth2.ts'
import { ownSignature, signature } from '../forward/credentials/signature.ts'
import { apiKey, basic, bearer } from '../forward/credentials/standing.ts'
import type { Sender } from '../forward/exchange.ts'
import { MAX_WAIT } from '../forward/pace-config.ts'
import type { ProxyConfig } from '../forward/reach-config.ts'
import { Retry } from '../forward/retry.ts'
import { systemTiming } from '../forward/timing.ts'
import type { ProxyWay } from '../forward/tunnel.ts'
import { providerOf } from '../signing/index.ts'
import type { MacKey } from '../signing/mac.ts'
import { messageSignatory } from '../signing/message-signatory.ts'
import type { Signatory } from '../signing/provider.ts'
import type { ClientTls } from '../tls/client.ts'
import type { Identified, Upstreams } from './upstreams.ts'

export interface Means {
  readonly resources: Resources
  readonly upstreams: Upstreams
  readonly tls: ClientTls | undefined
  /** Of `forward.sign`. */
  readonly signingKey?: MacKey | undefined
}

/**
 * What a route sends its requests with: the connections themselves, or a bridge over them.
 * @throws Offline, SecretFault where a credential is missing or can't be used
 */
export function senderOf(config: ForwardConfig, means: Means): Sender {
  const { upstreams, resources, signingKey } = means
  const way = reachOf(config, means)
  const upstream = upstreams.get(config.to, config.timeout, way)
  const { authenticate, pace, concurrency, retry, breaker, body } = config
  if (!authenticate && !pace && concurrency === undefined && !retry && !breaker && !body) return upstream
  const { route } = resources
  const patience = pace?.['max-wait'] ?? MAX_WAIT
  return new Bridge({
    upstream,
    credentials: [
      ...(signingKey ? [ownSignature(signingKey)] : []),
      ...(authenticate ? outgoingCredentials(config, authenticate, means, way) : []),
    ],
    shaper: body && new BodyShaper(body),
    turnstile: pace || concurrency !== undefined || retry ? upstreams.turnstile(route, pace, concurrency) : undefined,
    breaker: breaker && upstreams.breaker(route, breaker),
    retry: retry && new Retry(retry),
    patience,
    timing: systemTiming,
    counts: upstreams.counts(route),
  })
}

/** How the upstream of a route is reached. */
export function reachOf(
  config: ForwardConfig,
  { resources, tls }: Pick<Means, 'resources'> & { readonly tls: Pick<ClientTls, 'options' | 'id'> | undefined },
): Identified {
  const { proxy: given, 'local-address': localAddress } = config
  const password = given?.password && resources.secret(given.password)
  const guard = { strict: carriesCredentials(config), allow: config['allow-private'] ?? [] }
  return {
    id: JSON.stringify([tls?.id, localAddress, given?.url, given?.username, password?.fingerprint, guard]),
    reach: {
      tls,
      localAddress,
      // Through a proxy, the only name that is looked up is the proxy's own.
      ...(given === undefined ? { lookup: new AddressGuard(guard).lookup } : { proxy: proxyOf(given, password) }),
    },
  }
}

function proxyOf({ url, username = '' }: ProxyConfig, password: Secret | undefined): ProxyWay {
  const {
    scheme = 'http',
    host = '',
    port = '',
  } = /^(?<scheme>\w+):\/\/\[?(?<host>[^\]]+?)\]?:(?<port>\d+)\/?$/.exec(url)?.groups ?? {}
  return { kind: scheme === 'socks5' ? 'socks5' : 'http', host, port: Number(port), username, password }
}

/** The credentials that are added to what a route sends, in their order. @throws Offline, SecretFault */
export function outgoingCredentials(
  forward: ForwardConfig,
  config: AuthenticateConfig,
  means: Means,
  way: Identified,
): Credential[] {
  const secret = (ref: SecretRef): Secret => means.resources.secret(ref)
  const { oauth2, signature: signing } = config
  const credentials: Credential[] = []
  if (config.bearer) credentials.push(bearer(secret(config.bearer)))
  if (config.basic) credentials.push(basic(config.basic.username, secret(config.basic.password)))
  if (oauth2) credentials.push(oauth2Of(oauth2, forward, means, way))
  if (config['api-key']) credentials.push(apiKey(config['api-key'], secret(config['api-key'].value)))
  // What signs comes last, so that it signs what is sent.
  if (signing) {
    const ref = 'provider' in signing ? signing.secret : signing.key
    credentials.push(signature(signatoryOf(signing), secret(ref), new URL(forward.to).origin))
  }
  return credentials
}

function signatoryOf(config: NonNullable<AuthenticateConfig['signature']>): Signatory {
  if ('provider' in config) {
    const provider = providerOf(config.provider)
    if (provider === undefined) throw new Error('the config names an unknown provider')
    return provider
  }
  const { algorithm, components, label, tag, digest } = config
  return messageSignatory({
    algorithm,
    components,
    label,
    tag,
    digest,
    writing: config['key-form'],
    keyid: config['key-id'],
    lifetimeMs: config.lifetime,
    tellAlgorithm: config['tell-algorithm'],
    freshNonce: true,
  })
}

function oauth2Of(config: OAuth2Config, forward: ForwardConfig, means: Means, upstreamsWay: Identified): OAuth2 {
  const { resources, upstreams, tls } = means
  const isOwn = new URL(config['token-url']).hostname === new URL(forward.to).hostname
  // By the name and the pins of the upstream's certificate no other host's would be verified.
  const way = isOwn ? upstreamsWay : reachOf(forward, { resources, tls: tls?.elsewhere })
  const ref = config['client-secret'] ?? config['private-key-jwt']?.key
  const secret = ref && resources.secret(ref)
  const timeout = { connect: Math.min(forward.timeout.connect, config.timeout), response: config.timeout }
  const endpoint = upstreams.get(config['token-url'], timeout, way)
  const proof = proofOf(config, secret)
  // A token is kept across reloads for as long as everything that it was asked for with is the same.
  const key = JSON.stringify([config, secret?.fingerprint, way.id, timeout])
  return upstreams.token(key, () => new OAuth2(config, proof, endpoint, resources.clock))
}

function proofOf(config: OAuth2Config, secret: Secret | undefined): ClientProof {
  if (secret === undefined) return undefined
  const jwt = config['private-key-jwt']
  return jwt === undefined ? { secret } : { assertion: assertionOf(config, jwt, secret) }
}
