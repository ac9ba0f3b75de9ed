import type { AnyCheckKind } from '../core/check.ts'
import { allOf } from './all-of.ts'
import { anyOf } from './any-of.ts'
import { apiKey } from './api-key.ts'
import { basic } from './basic.ts'
import { bearer } from './bearer.ts'
import { bodyLimit } from './body-limit.ts'
import { challenge } from './challenge.ts'
import { clientCert } from './client-cert.ts'
import { contentEncoding } from './content-encoding.ts'
import { contentType } from './content-type.ts'
import { introspection } from './introspection.ts'
import { jwt } from './jwt.ts'
import { rateLimit } from './rate-limit.ts'
import { replay } from './replay.ts'
import { schema } from './schema.ts'
import { signature } from './signature.ts'
import { sourceIp } from './source-ip.ts'

/** Every check there is. A check's YAML key is its name; the catalogue of refusals is made from this list. */
export const checkKinds: readonly AnyCheckKind[] = [
  sourceIp,
  bearer,
  jwt,
  introspection,
  apiKey,
  basic,
  clientCert,
  anyOf(() => checkKinds),
  allOf(() => checkKinds),
  rateLimit,
  bodyLimit,
  contentType,
  contentEncoding,
  signature,
  challenge,
  replay,
  schema,
]
