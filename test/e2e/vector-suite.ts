import { z } from 'zod'
import { providerOf } from '../../src/signing/index.ts'
import { NOW_OF_NONE, type PipelineVector } from './vector-gate.ts'

/** The public suite's form of a vector, as far as it is read here. */
const suiteVector = z.object({
  provider: z.string(),
  description: z.string(),
  secret_or_public_key: z.union([z.string(), z.record(z.string(), z.string())]),
  request: z.object({
    method: z.string(),
    url: z.string().nullable(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
  }),
  expect: z.enum(['valid', 'invalid']),
  source: z.string(),
  now: z.string().optional(),
  keyid: z.string().optional(),
  expected_response_body: z.string().optional(),
})
type SuiteVector = z.infer<typeof suiteVector>

/** Whether the gate knows how the vector is signed. */
export function isKnown(vector: SuiteVector): boolean {
  return vector.provider === MESSAGE_SIGNATURE || providerOf(providerIdOf(vector)) !== undefined
}

export const suite = z.object({ vectors: z.array(suiteVector) })

const MESSAGE_SIGNATURE = 'rfc9421'

/** 1531420618 s, which the vector signs; the suite's `now` is seven hours later. */
const SLACK_NOW = '2018-07-12T18:36:58Z'

/** HubSpot's versions are providers of their own here. */
function providerIdOf({ provider, request }: SuiteVector): string {
  return provider === 'hubspot' ? `hubspot-${request.headers['X-HubSpot-Signature-Version'] ?? 'v3'}` : provider
}

/** The suite's `conflicts` are not among them: it says itself that they show nothing. */
export function pipelineVectorOf(vector: SuiteVector): PipelineVector {
  const { provider, request, secret_or_public_key: secret } = vector
  return {
    provider: providerIdOf(vector),
    name: vector.description,
    source: vector.source,
    secret: typeof secret === 'string' ? secret : Object.values(secret).join(':'),
    now: provider === 'slack' ? SLACK_NOW : (vector.now ?? timeIn(request.headers)),
    ...(request.url === null ? {} : { url: new URL(request.url, 'https://hooks.example.com').href }),
    method: request.method,
    headers: request.headers,
    body: request.body,
    ...(vector.expected_response_body === undefined ? {} : { answer: vector.expected_response_body }),
    ...(provider === MESSAGE_SIGNATURE ? messageSignature(vector) : {}),
    ...(vector.expect === 'valid' ? {} : { code: 'any' }),
  }
}

/** Sinch signs a time in vectors of which the suite tells no clock. */
function timeIn(headers: SuiteVector['request']['headers']): string {
  return /\d{4}-\S+Z/.exec(headers['x-timestamp'] ?? '')?.[0] ?? NOW_OF_NONE
}

/** What the RFC's examples need of the config: that everything is covered which they cover. */
function messageSignature({ secret_or_public_key: secret, keyid, request }: SuiteVector) {
  const covered = /\((.*?)\)/.exec(request.headers['Signature-Input'] ?? '')?.[1] ?? ''
  const keys =
    typeof secret === 'string'
      ? `algorithm: rsa-pss-sha512, keys: [{ id: ${keyid}, env: SECRET }]`
      : `algorithm: hmac-sha256, key-form: base64, secrets: [{ id: ${keyid}, env: SECRET }]`
  return {
    settings: `{ scheme: http-message-signature, ${keys}, require: [${covered.replaceAll(' ', ', ')}] }`,
    bodyUnsigned: !covered.includes('"content-digest"'),
  }
}
