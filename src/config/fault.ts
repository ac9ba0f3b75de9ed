/** Where something stands in the parsed YAML: `['routes', 0, 'forward', 'to']`. */
export type Path = readonly (string | number)[]

/** A problem before its place in the text is known. */
export interface Fault {
  readonly severity: 'error' | 'warning'
  readonly path: Path
  /** Whether the key or the value at `path` is at fault. */
  readonly on: 'key' | 'value'
  /** A part of a scalar: where it begins in the value, and how many UTF-16 units it has. */
  readonly part?: { readonly at: number; readonly length: number } | undefined
  readonly message: string
  readonly mend: string
}

/** What is wrong with one value, said by a rule that does not know where it stands. */
export interface ValueFault {
  /** Without the key: the caller writes it in front. */
  readonly message: string
  readonly mend: string
  readonly part?: { readonly at: number; readonly length: number } | undefined
}

export function error(path: Path, message: string, mend: string, on: 'key' | 'value' = 'value'): Fault {
  return { severity: 'error', path, on, message, mend }
}

export function warning(path: Path, message: string, mend: string, on: 'key' | 'value' = 'value'): Fault {
  return { severity: 'warning', path, on, message, mend }
}
