import { z } from 'zod'
import { late } from '../../core/late-schema.ts'
import { type SecretRef, secretRef } from '../../core/secret.ts'
import { duration } from '../../core/units.ts'
import { providers } from '../../signing/index.ts'
import { MESSAGE_ALGORITHMS, type MessageAlgorithm } from '../../signing/message-algorithm.ts'
import { componentList, keyid, label, tag } from '../../signing/message-fields.ts'
import { DEFAULT_COMPONENTS, MESSAGE_SIGNATURE } from '../../signing/message-signatory.ts'
import { fieldName } from '../field-names.ts'

/** The credentials that a bridge adds to what it forwards. */
export interface AuthenticateConfig {
  readonly bearer?: SecretRef | undefined
  readonly basic?: { readonly username: string; readonly password: SecretRef } | undefined
  readonly 'api-key'?: ApiKeyConfig | undefined
  readonly oauth2?: OAuth2Config | undefined
  readonly signature?: ProviderSignatureConfig | MessageSignatureConfig | undefined
}

export interface ProviderSignatureConfig {
  readonly provider: string
  readonly secret: SecretRef
}

/** RFC 9421. */
export interface MessageSignatureConfig {
  readonly scheme: typeof MESSAGE_SIGNATURE
  readonly algorithm: MessageAlgorithm
  readonly key: SecretRef
  readonly 'key-form'?: 'text' | 'hex' | 'base64' | undefined
  readonly 'key-id'?: string | undefined
  readonly components: readonly string[]
  readonly label: string
  readonly tag?: string | undefined
  /** Milliseconds. */
  readonly lifetime?: number | undefined
  readonly 'tell-algorithm': boolean
  readonly digest: 'sha-256' | 'sha-512'
}

/** Exactly one of `header` and `query`. */
export interface ApiKeyConfig {
  readonly header?: string | undefined
  readonly query?: string | undefined
  readonly value: SecretRef
  readonly prefix: string
}

/** OAuth 2.0 client credentials (RFC 6749 section 4.4). Without secret and key: mutual TLS (RFC 8705). */
export interface OAuth2Config {
  readonly 'token-url': string
  readonly 'client-id': string
  readonly 'client-secret'?: SecretRef | undefined
  readonly 'client-auth': 'basic' | 'post'
  readonly 'private-key-jwt'?: PrivateKeyJwtConfig | undefined
  readonly scopes: readonly string[]
  readonly audience?: string | undefined
  readonly resource?: string | undefined
  /** Milliseconds, whole. */
  readonly timeout: number
}

/** RFC 7523 section 2.2. */
export interface PrivateKeyJwtConfig {
  /** PEM. */
  readonly key: SecretRef
  readonly 'key-id'?: string | undefined
  readonly algorithm?: JwtAlgorithm | undefined
  readonly audience?: string | undefined
}

export const JWT_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'PS256', 'RS256', 'Ed25519'] as const
export type JwtAlgorithm = (typeof JWT_ALGORITHMS)[number]

const TOKEN_MS = 10_000

const visible = z.string().regex(/^[\x20-\x7e]+$/, 'holds what is no visible ASCII: write it as the service shows it')
/** RFC 6749 section 3.3. */
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, 'is no scope: write each as an entry of its own')

const basic = late(() =>
  z.strictObject({
    username: z
      .string()
      .regex(/^[^:\p{Cc}]+$/u, 'is no user name: write it without a colon')
      .describe('The user name; it can hold no colon.'),
    password: secretRef.describe('The password.'),
  }),
)

const apiKey = late(() =>
  z
    .strictObject({
      header: fieldName('the service does, e.g. X-Api-Key').optional().describe('The header that carries it.'),
      query: z
        .string()
        .regex(/^[A-Za-z0-9._~-]+$/, 'is no name of a query parameter: write it as the service does, e.g. api_key')
        .optional()
        .describe(
          'The query parameter that carries it, for services that take no header: what stands in a URL is logged.',
        ),
      value: secretRef.describe('The key.'),
      prefix: z
        .string()
        .regex(/^[\x21-\x7e][\x20-\x7e]*$/, 'is no text before a key: write e.g. "Token "')
        .default('')
        .describe('What stands before the key in the header, its blank included, e.g. "Token ".'),
    })
    .refine(({ header, query }) => (header === undefined) !== (query === undefined), 'takes one of header, query'),
)

const privateKeyJwt = late(() =>
  z.strictObject({
    key: secretRef.describe('The private key, PEM.'),
    'key-id': visible.optional().describe('What the token endpoint knows the key by (kid).'),
    algorithm: z
      .enum(JWT_ALGORITHMS)
      .optional()
      .describe("Default: the key's own, ES256, ES384, ES512 or Ed25519; RS256 for an RSA key."),
    audience: visible.optional().describe('Whom the assertion is for. Default: token-url.'),
  }),
)

const oauth2 = late(() =>
  z
    .strictObject({
      'token-url': z.string().describe('The token endpoint, https.'),
      'client-id': visible.describe('The client, as it was registered.'),
      'client-secret': secretRef.optional().describe("The client's secret."),
      'client-auth': z
        .enum(['basic', 'post'])
        .default('basic')
        .describe('Whether client id and secret go in the Authorization field (basic) or in the form (post).'),
      'private-key-jwt': privateKeyJwt
        .optional()
        .describe('Instead of a secret: an assertion signed with a private key (RFC 7523).'),
      scopes: z.array(scope).default([]).describe('The scopes that are asked for.'),
      audience: visible.optional().describe('The audience parameter, where the service asks for one.'),
      resource: visible.optional().describe('The resource parameter (RFC 8707).'),
      timeout: duration().default(TOKEN_MS).describe('Until the token endpoint has answered whole. Default 10s.'),
    })
    .refine(
      value => value['client-secret'] === undefined || value['private-key-jwt'] === undefined,
      'takes one of client-secret, private-key-jwt',
    ),
)

const providerSignature = late(() =>
  z.strictObject({
    provider: z
      .enum(providers.map(provider => provider.id) as [string, ...string[]])
      .describe('Whose way of signing: see "sallyport providers".'),
    secret: secretRef.describe('The secret, in the form that the provider uses.'),
  }),
)

const messageSignature = late(() =>
  z
    .strictObject({
      scheme: z.literal(MESSAGE_SIGNATURE).describe('HTTP Message Signatures, RFC 9421, in place of a provider.'),
      algorithm: z.enum(MESSAGE_ALGORITHMS).describe('The algorithm that the key is for.'),
      key: secretRef.describe(
        'The private key: PEM, a JWK, or the base64 of DER (PKCS#8). Of hmac-sha256, the shared secret.',
      ),
      'key-form': z
        .enum(['text', 'hex', 'base64'])
        .optional()
        .describe('How a shared secret is written. Default text: it is used as it stands.'),
      'key-id': keyid.optional().describe('What the receiver knows the key by: keyid.'),
      components: componentList
        .min(1, 'signs nothing: name at least one component')
        .default([...DEFAULT_COMPONENTS])
        .describe(
          'What is covered, in this order. Content-Digest, Content-Type and Content-Length are where there is a body, Content-Encoding where it is compressed. Default @method, @target-uri, content-digest, content-type.',
        ),
      label: label.default('sig1').describe('The label of the signature. Default sig1.'),
      tag: tag.optional().describe('What the signature is for, where the receiver asks for a tag.'),
      lifetime: duration()
        .refine(ms => ms >= 1000, 'must be a second at least')
        .optional()
        .describe('From created to expires. Default: no expires.'),
      'tell-algorithm': z
        .boolean()
        .default(false)
        .describe('Whether the signature names its algorithm (alg). Default false: the receiver knows it by the key.'),
      digest: z
        .enum(['sha-256', 'sha-512'])
        .default('sha-256')
        .describe('The algorithm of Content-Digest (RFC 9530). Default sha-256.'),
    })
    .refine(value => value['key-form'] === undefined || value.algorithm === 'hmac-sha256', {
      path: ['key-form'],
      message: 'is for shared secrets, and a private key says its form itself: leave it out',
    }),
)

const signature = late(() => z.union([providerSignature, messageSignature]))

const OF_AUTHORIZATION = ['bearer', 'basic', 'oauth2'] as const

export const authenticateConfig = late(() =>
  z
    .strictObject({
      bearer: secretRef.optional().describe('A token; "Bearer " is added here. A file is read again when it changes.'),
      basic: basic.optional().describe('User name and password (RFC 7617).'),
      'api-key': apiKey.optional().describe('A key in a header or a query parameter.'),
      oauth2: oauth2
        .optional()
        .describe(
          'A token by client credentials (RFC 6749): fetched when needed, kept until shortly before its end, and fetched once more where the upstream answers 401. Without client-secret and private-key-jwt the client is known by the certificate of tls (RFC 8705).',
        ),
      signature: signature
        .optional()
        .describe('Signs what is sent, body, URL and time, as a provider does or after RFC 9421.'),
    })
    .refine(
      value => Object.values(value).some(one => one !== undefined),
      'names no credential: add bearer, basic, api-key, oauth2 or signature',
    )
    .refine(
      value => OF_AUTHORIZATION.filter(key => value[key] !== undefined).length < 2,
      `can use Authorization once: keep one of ${OF_AUTHORIZATION.join(', ')}`,
    ),
)
