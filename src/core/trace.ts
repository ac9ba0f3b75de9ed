/** The trace that a request is part of, as the upstream is told of it (W3C Trace Context). */
export interface Trace {
  /** Version, trace, parent and flags. */
  readonly traceparent: string
  readonly tracestate: string | undefined
}

export interface Parent {
  /** 32 digits of hex. */
  readonly traceId: string
  /** 16 digits of hex. */
  readonly spanId: string
  readonly sampled: boolean
}

const FIELD = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Reads a `traceparent` field; `undefined` where it is none (https://www.w3.org/TR/trace-context/#traceparent-header). */
export function readTraceparent(text: string): Parent | undefined {
  const [, version, traceId = '', spanId = '', flags = '', more] = FIELD.exec(text) ?? []
  if (version === undefined || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 }
}
