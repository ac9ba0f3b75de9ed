import { z } from 'zod'
import { checkEntry } from '../checks/entry.ts'
import { parseSelect } from '../checks/json-select.ts'
import type { AnyCheckKind } from '../core/check.ts'
import { late } from '../core/late-schema.ts'
import { secretName, secretRef } from '../core/secret.ts'
import { duration, size } from '../core/units.ts'
import { forwardConfig } from '../forward/config.ts'
import { alertsConfig } from '../observe/alerts/config.ts'
import { telemetryConfig } from '../observe/otlp/config.ts'
import { clientCrl, serverTlsConfig } from '../tls/config.ts'
import type { ValueFault } from './fault.ts'
import type { Bind } from './model.ts'
import { originFault, urlFault } from './url.ts'
import { hostFault, isFault, networkFault, pathFault, readBind } from './values.ts'

/** The one description of the file's shape: validation, the editors' JSON Schema and the reference come from it. */

/** What a rule knows of a fault, carried through zod to the one who prints it. */
export interface IssueParams {
  readonly mend: string
  readonly part?: ValueFault['part']
}

const params = (fault: ValueFault): Record<string, unknown> =>
  ({ mend: fault.mend, part: fault.part }) satisfies IssueParams

const checked = (find: (text: string) => ValueFault | undefined) =>
  z.string().superRefine((text, context) => {
    const fault = find(text)
    if (fault) context.issues.push({ code: 'custom', message: fault.message, params: params(fault), input: text })
  })

const bind = z.string().transform((text, context): Bind => {
  const read = readBind(text)
  if (!isFault(read)) return read
  context.issues.push({ code: 'custom', message: read.message, params: params(read), input: text })
  return z.NEVER
})

const positive = (what: z.ZodType<number>) =>
  what.refine(value => value > 0, {
    error: 'is nothing',
    params: { mend: 'write a value above zero, or leave the key out for the default' },
  })

const count = (most: number) => z.int().min(1).max(most)

const LIMITS = {
  connections: 10_000,
  requests: 2_000,
  head: 10_000,
  request: 30_000,
  idle: 60_000,
  'head-bytes': 16_384,
  headers: 100,
}

const limits = z
  .strictObject({
    connections: count(1_000_000).default(LIMITS.connections).describe('Connections open at once. Default 10000.'),
    requests: count(1_000_000)
      .default(LIMITS.requests)
      .describe('Requests under way at once; one more is refused with 503. Default 2000.'),
    head: positive(duration())
      .default(LIMITS.head)
      .describe('How long the head of a request may take to arrive, and before it the TLS handshake. Default 10s.'),
    request: positive(duration())
      .default(LIMITS.request)
      .describe('How long a whole request may take to arrive. Default 30s.'),
    idle: positive(duration())
      .default(LIMITS.idle)
      .describe('How long a connection may be idle between two requests, or take nothing of its answer. Default 1m.'),
    'head-bytes': positive(size())
      .default(LIMITS['head-bytes'])
      .describe('The largest head of a request. Default 16KiB.'),
    headers: count(2000).default(LIMITS.headers).describe('The most header fields of a request. Default 100.'),
  })
  .describe('What one connection may take of time and room.')

const bindText = 'An address and a port, "127.0.0.1:8443" or "[::1]:8443", or "unix:/path.sock".'
const publicUrl = checked(originFault)
  .optional()
  .describe(
    'What senders were given, without a path: https://hooks.example.com. Some schemes sign it, a port that is written included.',
  )

export const listenerShape = z
  .strictObject({
    name: secretName.describe('The name that routes, logs and metrics use.'),
    bind: bind.describe(bindText),
    expose: z
      .boolean()
      .default(false)
      .describe('Allow plain HTTP on an address that other hosts reach. Default false.'),
    'public-url': publicUrl,
    tls: serverTlsConfig.optional().describe('Terminates TLS. Without it the listener speaks plain HTTP.'),
    'trusted-proxies': z
      .array(checked(networkFault))
      .default([])
      .describe(
        'Networks of the load balancers whose X-Forwarded-For, X-Forwarded-Proto and Forwarded are believed; a Unix socket counts as 127.0.0.1. None by default.',
      ),
    'proxy-protocol': late(() =>
      z.strictObject({
        from: z
          .array(checked(networkFault))
          .min(1)
          .describe(
            'Networks of the load balancers that send it, on every connection; a Unix socket counts as 127.0.0.1.',
          ),
      }),
    )
      .optional()
      .describe(
        'The PROXY protocol, versions 1 and 2, before TLS and HTTP: the address that it gives is the peer. From other networks connections are taken as they are.',
      ),
    'proxy-client-cert': late(() =>
      z.strictObject({
        format: z
          .enum(['rfc9440', 'xfcc', 'escaped-pem'])
          .describe(
            "How the certificate is written: Client-Cert (RFC 9440), Envoy's X-Forwarded-Client-Cert, or PEM that is percent-encoded (nginx's $ssl_client_escaped_cert, and other load balancers).",
          ),
        header: z
          .string()
          .regex(/^[A-Za-z0-9!#$%&'*+.^`|~-]+$/, 'is no header name')
          .optional()
          .describe(
            'The field that it is in. Default Client-Cert, X-Forwarded-Client-Cert or X-SSL-Client-Cert, by the format.',
          ),
        'client-ca': z.string().min(1).describe('PEM bundle that the certificates must chain to.'),
        'client-crl': clientCrl.optional(),
      }),
    )
      .optional()
      .describe(
        'Client certificates of connections whose TLS ends at a trusted proxy, in a header that it writes. The gate judges them itself; from anyone else the header is not read.',
      ),
    'acme-challenges': z
      .enum(['only', 'with-routes'])
      .optional()
      .describe(
        'Answers CAs that validate a name by HTTP-01: plain HTTP, which they ask on port 80. only: nothing else is served, so that it needs no expose. with-routes: the routes of the listener are served too.',
      ),
    limits: limits.default(LIMITS),
  })
  .describe('An address to listen on.')

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

const match = z
  .strictObject({
    path: checked(pathFault).optional().describe('The exact path.'),
    'path-prefix': checked(pathFault).optional().describe('The beginning of the path; ends with "/".'),
    host: checked(hostFault)
      .optional()
      .describe('The host of the request, lower case, without a port. Any by default.'),
    methods: z.array(z.enum(METHODS)).min(1).default(['POST']).describe('The methods of the request. Default [POST].'),
  })
  .describe('Which requests take this route. The most specific route wins, whatever the order in the file.')

export const routeShape = (kinds: readonly AnyCheckKind[]) =>
  z
    .strictObject({
      name: secretName.describe('The name that logs and metrics use.'),
      listener: z.string().optional().describe('The name of one listener. Every listener by default.'),
      match,
      'public-url': publicUrl,
      checks: z
        .array(checkEntry(kinds))
        .min(1)
        .describe(
          'Run in this order: those that need the head alone, those that need the body, those that need its content.',
        ),
      forward: forwardConfig
        .extend({ to: checked(urlFault).describe(forwardConfig.shape.to.description ?? '') })
        .describe('Where verified requests go.'),
    })
    .describe('A route: which requests, what they must pass, where they go.')

const admin = z
  .strictObject({
    bind: bind.describe(bindText),
    token: secretRef.optional().describe('The bearer token that it asks for; needed off loopback.'),
    names: z
      .array(checked(hostFault))
      .default([])
      .describe('Names that may stand in Host beside its address, e.g. of the service that Prometheus asks by.'),
  })
  .describe('The listener for /healthz, /readyz and /metrics. Left out: there is none.')

const CAPTURES = { keep: 200, age: 86_400_000, 'max-body': 65_536, mask: [] }

/** Bytes of one body at most: a few captures must not take the room of all. */
const LARGEST_BODY = 16 * 1024 * 1024

export const captures = z
  .strictObject({
    keep: z.int().min(0).max(10_000).default(CAPTURES.keep).describe('How many at most; 0 keeps none. Default 200.'),
    age: positive(duration()).default(CAPTURES.age).describe('For how long. Default 24h.'),
    'max-body': size()
      .refine(bytes => bytes <= LARGEST_BODY, 'is more than 16MiB')
      .default(CAPTURES['max-body'])
      .describe('How much of each body is kept. Default 64KiB.'),
    mask: z
      .array(z.string().refine(text => parseSelect(text) !== undefined, 'is no path: write $.a.b, $.a[*].b or $.a[0]'))
      .default(CAPTURES.mask)
      .describe(
        'Fields of JSON bodies that are masked wherever a capture is shown, downloaded or written to disk, e.g. $.customer.email or $.items[*].card.',
      ),
    dir: z
      .string()
      .min(1)
      .optional()
      .describe('A folder that keeps them across restarts, masked. Left out: they are in memory alone.'),
  })
  .describe('The refused and failed requests that are kept for "sallyport explain". In memory by default.')

export const fileShape = (kinds: readonly AnyCheckKind[]) =>
  z
    .strictObject({
      workers: z
        .union([z.int().min(1).max(256), z.literal('auto')])
        .default(1)
        .describe(
          'How many threads take requests: a number, or "auto" for one a core. They share ports, rate limits, replay and pace. Between one and several it changes with a restart. Default 1.',
        ),
      listeners: z.array(listenerShape).min(1).describe('Where the gate listens.'),
      admin: admin.optional(),
      captures: captures.default(CAPTURES),
      alerts: alertsConfig.optional(),
      telemetry: telemetryConfig.optional(),
      routes: z.array(routeShape(kinds)).min(1).describe('What the gate lets in.'),
    })
    .describe('The config of a Sallyport gate.')

export type FileShape = z.output<ReturnType<typeof fileShape>>
