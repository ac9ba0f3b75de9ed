import type { Network } from '../core/address.ts'
import type { AnyCheckKind } from '../core/check.ts'
import type { SecretRef } from '../core/secret.ts'
import type { ForwardConfig } from '../forward/config.ts'
import type { AlertsConfig } from '../observe/alerts/config.ts'
import type { TelemetryConfig } from '../observe/otlp/config.ts'
import type { ServerTlsConfig } from '../tls/config.ts'
import type { ClientTrustConfig } from '../tls/trust-files.ts'

/** The validated config: plain data, every default filled in. Nothing has been opened, bound or connected. */
export interface GatewayConfig {
  /** Absolute path of the file; paths inside are relative to its folder. */
  readonly file: string
  readonly workers: number | 'auto'
  readonly listeners: readonly ListenerConfig[]
  readonly admin?: AdminConfig | undefined
  readonly captures: CapturesConfig
  readonly alerts?: AlertsConfig | undefined
  readonly telemetry?: TelemetryConfig | undefined
  readonly routes: readonly RouteConfig[]
}

export type Bind = { readonly host: string; readonly port: number } | { readonly unix: string }

export interface ListenerConfig {
  readonly name: string
  readonly bind: Bind
  readonly tls?: ServerTlsConfig | undefined
  /** Absolute URL without a path, e.g. `https://hooks.example.com`. */
  readonly publicUrl?: string | undefined
  /** Peers whose X-Forwarded-* is believed. */
  readonly trustedProxies: readonly Network[]
  /** Peers that write a PROXY header before everything else. */
  readonly proxyProtocol?: { readonly from: readonly Network[] } | undefined
  /** The client certificates that trusted proxies carry in a header. */
  readonly proxyClientCert?: ProxyClientCertConfig | undefined
  /** Whether CAs that validate a name by HTTP-01 are answered: on a listener without routes, or before them. */
  readonly acmeChallenges?: 'only' | 'with-routes' | undefined
  readonly limits: ListenerLimits
}

export interface ProxyClientCertConfig extends ClientTrustConfig {
  readonly format: 'rfc9440' | 'xfcc' | 'escaped-pem'
  readonly header?: string | undefined
}

/** Times in milliseconds. */
export interface ListenerLimits {
  readonly connections: number
  /** Requests under way at once. */
  readonly requests: number
  /** Until the head has arrived whole. */
  readonly head: number
  /** Until the whole request has arrived. */
  readonly request: number
  /** Between two requests of a connection. */
  readonly idle: number
  /** Bytes of the head. */
  readonly headBytes: number
  readonly headers: number
}

export interface AdminConfig {
  readonly bind: Bind
  readonly token?: SecretRef | undefined
  /** What may stand in Host beside the address and `localhost`; a page of any other name is kept out. */
  readonly names: readonly string[]
}

/** Which refused and failed requests are kept, for `sallyport explain`. */
export interface CapturesConfig {
  /** How many; 0: none. */
  readonly keep: number
  /** Milliseconds. */
  readonly age: number
  /** Bytes of each body. */
  readonly maxBody: number
  /** JSON paths of body fields that are masked where a capture leaves the gate's memory. */
  readonly mask: readonly string[]
  /** Absolute path of a folder; absent: memory alone. */
  readonly dir?: string | undefined
}

export interface RouteConfig {
  readonly name: string
  /** Absent: every listener. */
  readonly listener?: string | undefined
  readonly match: RouteMatch
  readonly publicUrl?: string | undefined
  readonly checks: readonly CheckConfig[]
  readonly forward: ForwardConfig
}

export interface RouteMatch {
  /** Exactly one of `path` and `pathPrefix`. A prefix ends with `/`. */
  readonly path?: string | undefined
  readonly pathPrefix?: string | undefined
  /** Lower case, without a port; absent: any. */
  readonly host?: string | undefined
  readonly methods: readonly string[]
}

export interface CheckConfig {
  readonly kind: AnyCheckKind
  /** What `kind.config` made of the YAML. */
  readonly config: unknown
  /** It only reports what it would refuse. */
  readonly report?: boolean
}
