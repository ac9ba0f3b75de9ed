import { z } from 'zod'
import { type SecretRef, secretRef } from '../core/secret.ts'
import { duration } from '../core/units.ts'
import { type ClientTlsConfig, clientTlsConfig } from '../tls/client-config.ts'
import { type BodyConfig, bodyConfig } from './body-config.ts'
import type { BreakerSettings } from './breaker.ts'
import { type AuthenticateConfig, authenticateConfig } from './credentials/config.ts'
import { fieldName } from './field-names.ts'
import { breakerConfig, concurrencyConfig, type PaceConfig, paceConfig, retryConfig } from './pace-config.ts'
import { allowPrivate, localAddress, type ProxyConfig, proxyConfig } from './reach-config.ts'
import type { RetrySettings } from './retry.ts'

/** Where verified requests of a route go, and how. */
export interface ForwardConfig {
  /** `http:` or `https:` URL. On a `path-prefix` route it ends with `/`, and the rest of the path follows. */
  readonly to: string
  /** Names of sender's headers that the upstream gets as they came. */
  readonly 'pass-headers': readonly string[]
  /** Whether the sender's query follows the upstream path. */
  readonly 'pass-query': boolean
  /** Milliseconds. */
  readonly timeout: { readonly connect: number; readonly response: number }
  /** Sends the proven client certificate as `Client-Cert` (RFC 9440). */
  readonly 'client-cert-header': boolean
  /** Sends `Sallyport-Content-Digest` over the sender's exact bytes (RFC 9530 syntax). */
  readonly digest: boolean
  /** Signs every forwarded request (Standard Webhooks), so that the upstream can tell the gate from anyone else. */
  readonly sign?: SecretRef | undefined
  /** To an `https:` upstream; absent: the system's CAs, and no certificate of the gate's own. */
  readonly tls?: ClientTlsConfig | undefined
  /** The gate's credentials with an external service. */
  readonly authenticate?: AuthenticateConfig | undefined
  readonly pace?: PaceConfig | undefined
  /** Requests under way at once. */
  readonly concurrency?: number | undefined
  readonly retry?: RetrySettings | undefined
  readonly breaker?: BreakerSettings | undefined
  readonly body?: BodyConfig | undefined
  readonly 'local-address'?: string | undefined
  readonly proxy?: ProxyConfig | undefined
  /** Names and networks. */
  readonly 'allow-private'?: readonly string[] | undefined
  /** Request and answer go on as they come; only checks of the head can run. */
  readonly stream: boolean
  /** WebSockets are let through as well. */
  readonly websocket: boolean
  /** Sends `Forwarded`, `X-Forwarded-*` and `Sallyport-*`; absent: unless the route is a bridge. */
  readonly 'context-headers'?: boolean | undefined
}

/**
 * Whether the route is a bridge: its upstream is a stranger that knows the gate by its credentials, and need not know
 * which hosts and routes are behind it.
 */
export function carriesCredentials(config: Pick<ForwardConfig, 'authenticate' | 'tls'>): boolean {
  return config.authenticate !== undefined || config.tls?.certificate !== undefined
}

const CONNECT_MS = 5_000
const RESPONSE_MS = 30_000

export const forwardConfig = z.strictObject({
  to: z
    .string()
    .describe('The upstream URL. On a path-prefix route it ends with "/" and the rest of the path follows.'),
  'pass-headers': z
    .array(fieldName('it stands in a request, e.g. X-GitHub-Event'))
    .default([])
    .describe("Sender's headers that the upstream gets as they came."),
  'pass-query': z.boolean().default(true).describe("Whether the sender's query follows the upstream path."),
  timeout: z
    .strictObject({
      connect: duration().default(CONNECT_MS).describe('Until the connection stands. Default 5s.'),
      response: duration().default(RESPONSE_MS).describe('Until the answer has ended. Default 30s.'),
    })
    .default({ connect: CONNECT_MS, response: RESPONSE_MS })
    .describe('How long the upstream may take.'),
  'client-cert-header': z
    .boolean()
    .default(false)
    .describe('Send the proven client certificate as Client-Cert (RFC 9440).'),
  digest: z.boolean().default(false).describe("Send a digest of the sender's exact bytes as Sallyport-Content-Digest."),
  sign: secretRef
    .optional()
    .describe('Sign what is forwarded (Standard Webhooks) with this secret, so that the upstream knows the gate.'),
  tls: clientTlsConfig
    .optional()
    .describe(
      "How TLS is spoken to an https upstream, whose certificate is always verified. Default: the system's CAs, and those of NODE_EXTRA_CA_CERTS.",
    ),
  authenticate: authenticateConfig.optional().describe('What lets the gate in at an external service.'),
  'context-headers': z
    .boolean()
    .optional()
    .describe(
      'Send Forwarded, X-Forwarded-* and Sallyport-*. Default: true, but false where authenticate or tls.certificate is set.',
    ),
  pace: paceConfig.optional().describe("Keeps to the upstream's rate limit: requests wait for their turn."),
  concurrency: concurrencyConfig
    .optional()
    .describe('How many requests are under way at once; others wait for their turn. Default: any number.'),
  retry: retryConfig
    .optional()
    .describe('Sends again what the upstream did not receive, or may receive twice. Default: nothing is sent twice.'),
  breaker: breakerConfig
    .optional()
    .describe('Sends an upstream that fails nothing for a while: its senders are answered 503 at once.'),
  body: bodyConfig
    .optional()
    .describe('The form and the size in which the upstream takes bodies. Default: JSON, of any size.'),
  'local-address': localAddress
    .optional()
    .describe("The address of this host that connections come from: the one that the upstream's operator lets in."),
  proxy: proxyConfig
    .optional()
    .describe('Reaches the upstream, and a token endpoint, through a proxy, which then resolves their names.'),
  'allow-private': allowPrivate
    .optional()
    .describe(
      'Names, and networks of names, that may stand for private, loopback or link-local addresses. An address in to itself and localhost need no entry. Default: link-local addresses are refused, and where authenticate or tls.certificate is set all that are not on the internet.',
    ),
  stream: z
    .boolean()
    .default(false)
    .describe(
      'Pass request and answer on as they come, of any size and type, without reading the body: only checks of the head can run. timeout.response is then for how long nothing may move.',
    ),
  websocket: z
    .boolean()
    .default(false)
    .describe('Let WebSockets through, once the checks of the head have passed. Needs stream.'),
})
