import type { AnyCheckKind } from '../core/check.ts'
import { bodyLimit } from './body-limit.ts'
import { contentEncoding } from './content-encoding.ts'
import { contentType } from './content-type.ts'

/**
 * The checks that a route has even where its config does not name them, each with its configuration: a body of 1 MiB,
 * JSON, not compressed. One that the route names takes its place.
 */
export const implicitChecks: readonly { readonly kind: AnyCheckKind; readonly config: unknown }[] = [
  { kind: bodyLimit, config: bodyLimit.config.parse({}) },
  { kind: contentType, config: contentType.config.parse({}) },
  { kind: contentEncoding, config: contentEncoding.config.parse({ accept: [] }) },
]
