/** The JSON form of OTLP's messages: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. */

export type AnyValue =
  | { readonly stringValue: string }
  /** 64 bits, as text. */
  | { readonly intValue: string }
  | { readonly boolValue: boolean }

export interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

export function keyValues(attributes: Attributes): KeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  )
}

function anyValue(value: string | number | boolean): AnyValue {
  if (typeof value === 'string') return { stringValue: value.toWellFormed() }
  return typeof value === 'boolean' ? { boolValue: value } : { intValue: String(Math.round(value)) }
}

/** Epoch milliseconds, to the microsecond, as nanoseconds. */
export const nanos = (epochMs: number): string => `${Math.round(epochMs * 1000)}000`

export interface Scope {
  readonly name: string
  readonly version: string
}

export const scopeOf = (version: string): Scope => ({ name: 'sallyport', version })
