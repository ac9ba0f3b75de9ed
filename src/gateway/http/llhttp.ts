import { createRequire } from 'node:module'

// Not by `import`: what makes a module of it, in the bundle, would make a property of each byte.
const wasm: Buffer<ArrayBuffer> = createRequire(import.meta.url)('undici/lib/llhttp/llhttp_simd-wasm.js')

/**
 * llhttp, the parser of Node's own server, as undici brings it for WebAssembly and Node for its fetch: the same strict
 * rules (nothing lenient is switched on), in memory of its own.
 */
interface Exports {
  readonly memory: WebAssembly.Memory
  malloc(bytes: number): number
  llhttp_alloc(type: number): number
  llhttp_free(parser: number): void
  llhttp_execute(parser: number, at: number, bytes: number): number
  llhttp_resume(parser: number): void
  llhttp_resume_after_upgrade(parser: number): void
  llhttp_get_error_pos(parser: number): number
  llhttp_get_error_reason(parser: number): number
  llhttp_errno_name(code: number): number
  llhttp_get_method(parser: number): number
  llhttp_method_name(method: number): number
  llhttp_get_http_major(parser: number): number
  llhttp_get_http_minor(parser: number): number
}

/** What the parser calls while it executes. `at` is an address in its memory. */
export interface ParserEvents {
  onUrl(at: number, bytes: number): void
  onFieldName(at: number, bytes: number): void
  onFieldValue(at: number, bytes: number): void
  /** The parser stands behind the head then. */
  onHead(upgrade: boolean, keepAlive: boolean): void
  onBody(at: number, bytes: number): void
  /** The parser stands behind the message then. */
  onEnd(): void
}

/** Results of `llhttp_execute`; any other is a fault of the message. */
export const OK = 0
export const PAUSED = 21
export const PAUSED_UPGRADE = 22

const REQUEST = 1
/** Bytes that one call takes: what a read of a socket gives at most. */
export const AREA_BYTES = 64 * 1024

let events: ParserEvents | undefined

const { exports }: { readonly exports: unknown } = new WebAssembly.Instance(new WebAssembly.Module(wasm), {
  env: {
    wasm_on_message_begin: () => OK,
    wasm_on_status: () => OK,
    wasm_on_url: (_parser: number, at: number, bytes: number) => {
      events?.onUrl(at, bytes)
      return OK
    },
    wasm_on_header_field: (_parser: number, at: number, bytes: number) => {
      events?.onFieldName(at, bytes)
      return OK
    },
    wasm_on_header_value: (_parser: number, at: number, bytes: number) => {
      events?.onFieldValue(at, bytes)
      return OK
    },
    wasm_on_headers_complete: (_parser: number, _status: number, upgrade: number, keepAlive: number) => {
      events?.onHead(upgrade === 1, keepAlive === 1)
      return PAUSED
    },
    wasm_on_body: (_parser: number, at: number, bytes: number) => {
      events?.onBody(at, bytes)
      return OK
    },
    wasm_on_message_complete: () => {
      events?.onEnd()
      return PAUSED
    },
  },
})
const llhttp = exports as Exports

/** The bytes that are parsed stand here. */
const AREA = llhttp.malloc(AREA_BYTES)
let area = new Uint8Array(llhttp.memory.buffer, AREA, AREA_BYTES)
/** What the area holds: of `loaded`, the bytes from `loadedFrom` to `loadedEnd`. */
let loaded: Buffer | undefined
let loadedFrom = 0
let loadedEnd = 0

/** Where in the chunk under way an address is. */
export function positionOf(at: number): number {
  return at - AREA + loadedFrom
}

/** Parses bytes of `chunk`, at most `AREA_BYTES`; the events come before it returns. */
export function execute(parser: number, to: ParserEvents, chunk: Buffer, from: number, bytes: number): number {
  if (chunk !== loaded || from < loadedFrom || from + bytes > loadedEnd) {
    // Its memory has grown since: the old one is gone.
    if (area.byteLength === 0) area = new Uint8Array(llhttp.memory.buffer, AREA, AREA_BYTES)
    chunk.copy(area, 0, from, from + bytes)
    loaded = chunk
    loadedFrom = from
    loadedEnd = from + bytes
  }
  events = to
  const result = llhttp.llhttp_execute(parser, AREA + from - loadedFrom, bytes)
  events = undefined
  return result
}

/** Lets go of the bytes that were parsed last: others may stand in their place. */
export function unload(): void {
  loaded = undefined
}

/** @throws RangeError where its memory is full: 4 GiB, some twenty million parsers. */
export function newParser(): number {
  const parser = llhttp.llhttp_alloc(REQUEST)
  if (parser === 0) throw new RangeError('the HTTP parser has no memory left')
  return parser
}

export function freeParser(parser: number): void {
  llhttp.llhttp_free(parser)
}

/** Goes on behind the head or the message. */
export function resume(parser: number): void {
  llhttp.llhttp_resume(parser)
}

/** Goes on behind a request for an upgrade that is not made. */
export function resumeAfterUpgrade(parser: number): void {
  llhttp.llhttp_resume_after_upgrade(parser)
}

/** The position in the chunk at which `execute` stopped. */
export function stoppedAt(parser: number): number {
  return positionOf(llhttp.llhttp_get_error_pos(parser))
}

/** Name (`HPE_...`) and sentence of a fault. */
export function faultOf(parser: number, result: number): { readonly code: string; readonly reason: string } {
  return { code: textAt(llhttp.llhttp_errno_name(result)), reason: textAt(llhttp.llhttp_get_error_reason(parser)) }
}

const methods: string[] = []

export function methodOf(parser: number): string {
  const method = llhttp.llhttp_get_method(parser)
  methods[method] ??= textAt(llhttp.llhttp_method_name(method))
  return methods[method]
}

export function versionOf(parser: number): string {
  const [major, minor] = [llhttp.llhttp_get_http_major(parser), llhttp.llhttp_get_http_minor(parser)]
  if (major === 1 && minor === 1) return '1.1'
  return `${major}.${minor}`
}

/** A text of C's: up to its first zero byte. */
function textAt(at: number): string {
  if (at === 0) return ''
  const memory = Buffer.from(llhttp.memory.buffer)
  return memory.toString('latin1', at, memory.indexOf(0, at))
}
