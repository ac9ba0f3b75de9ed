import { type AnyCheckKind, stageOf } from '../core/check.ts'
import { bodyLimit } from './body-limit.ts'
import { contentEncoding } from './content-encoding.ts'
import { contentType } from './content-type.ts'

/**
 * The checks that a route has even where its config does not name them, each with its configuration: a body of 1 MiB,
 * JSON, not compressed. One that the route names takes its place.
 */
export const implicitChecks: readonly Written[] = [
  { kind: bodyLimit, config: bodyLimit.config.parse({}) },
  { kind: contentType, config: contentType.config.parse({}) },
  { kind: contentEncoding, config: contentEncoding.config.parse({ accept: [] }) },
]

interface Written {
  readonly kind: AnyCheckKind
  readonly config: unknown
  readonly report?: boolean
}

/** All checks of a route in the order they run: after the written ones of the head come the implicit ones. */
export function withImplicit<C extends Written>(
  written: readonly C[],
  stream: boolean,
): readonly (C | (typeof implicitChecks)[number])[] {
  // A body that is not read may be of any size and type.
  if (stream) return written
  // One that only reports takes nobody's place.
  const names = new Set(written.filter(({ report }) => report !== true).map(({ kind }) => kind.name))
  const implicit = implicitChecks.filter(({ kind }) => !names.has(kind.name))
  const head = written.filter(({ kind, config }) => stageOf(kind, config) === 'head')
  return [...head, ...implicit, ...written.filter(({ kind, config }) => stageOf(kind, config) !== 'head')]
}
