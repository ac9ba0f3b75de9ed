import type { AnyCheckKind } from '../core/check.ts'
import { bodyLimit } from './body-limit.ts'
import { contentEncoding } from './content-encoding.ts'
import { contentType } from './content-type.ts'
import { rateLimit } from './rate-limit.ts'
import { replay } from './replay.ts'
import { sourceIp } from './source-ip.ts'

/** Every check there is. A check's YAML key is its name; the catalogue of refusals is made from this list. */
export const checkKinds: readonly AnyCheckKind[] = [
  sourceIp,
  rateLimit,
  bodyLimit,
  contentType,
  contentEncoding,
  replay,
]
