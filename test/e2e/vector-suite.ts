import { z } from 'zod'
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
})
type SuiteVector = z.infer<typeof suiteVector>

export const suite = z.object({ vectors: z.array(suiteVector) })

/** 1531420618 s, which the vector signs; the suite's `now` is seven hours later. */
const SLACK_NOW = '2018-07-12T18:36:58Z'

/** HubSpot's versions are providers of their own here. */
export function providerIdOf({ provider, request }: SuiteVector): string {
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
    ...(vector.expect === 'valid' ? {} : { code: 'any' }),
  }
}

/** Sinch signs a time in vectors of which the suite tells no clock. */
function timeIn(headers: SuiteVector['request']['headers']): string {
  return /\d{4}-\S+Z/.exec(headers['x-timestamp'] ?? '')?.[0] ?? NOW_OF_NONE
}
