import type { Evidence } from '../../core/decision.ts'
import { VerbFault } from '../fault.ts'

/** A request as a file has it. What the file does not say is absent. */
export interface FileRequest {
  /** What it is called where a file holds several: `POST /hooks/x`. */
  readonly label: string
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Of an absolute URL, or of Host. */
  readonly authority?: string | undefined
  readonly encrypted?: boolean | undefined
  /** Name and value, as sent; Host and Content-Length may be missing. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** Not all of the body is in the file. */
  readonly cut: boolean
  /** Credentials are hidden in the file. */
  readonly masked?: boolean
  /** Epoch milliseconds. */
  readonly receivedAt?: number | undefined
  readonly source?: string | undefined
  readonly peer?: string | undefined
  readonly listener?: string | undefined
  readonly serverName?: string | undefined
  /** DER. */
  readonly clientCertificates?: readonly Buffer[] | undefined
  /** What was answered, where the file tells it. */
  readonly status?: number | undefined
  /** Why it was refused, where the file tells it and the request itself can't be asked again. */
  readonly refusal?:
    | { readonly code: string; readonly status: number; readonly evidence: Evidence | undefined }
    | undefined
  /** What the file does not tell, or can't: sentences for the reader of the explanation. */
  readonly limits: readonly string[]
}

/** A file that can't be read as a request. @param line counted from 1 */
export function fileFault(message: string, mend: string, line?: number): VerbFault {
  return new VerbFault(line === undefined ? message : `line ${line}: ${message}`, mend, 'problem')
}

const METHOD = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/

/** @throws VerbFault */
export function methodOf(text: string, line?: number): string {
  if (METHOD.test(text)) return text
  throw fileFault('there is no method that HTTP knows', 'begin with e.g. POST /path HTTP/1.1', line)
}

/** `Name: value`, its blanks taken off. @throws VerbFault */
export function headerOf(text: string, line?: number): readonly [name: string, value: string] {
  const colon = text.indexOf(':')
  const name = text.slice(0, Math.max(colon, 0)).trim()
  if (!NAME.test(name)) throw fileFault('this is no header field', 'write Name: value', line)
  return [name, text.slice(colon + 1).trim()]
}

/** Where a URL or a path leads. @throws VerbFault */
export function placeOf(text: string, line?: number): Pick<FileRequest, 'target' | 'authority' | 'encrypted'> {
  if (text.startsWith('/')) return { target: text.replace(/#.*$/s, '') }
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`
  const [, scheme = '', authority = '', rest = ''] =
    /^(https?):\/\/(?:[^@/?#]*@)?([^/?#]+)([^#]*)/i.exec(withScheme) ?? []
  if (authority === '' || /[\s\p{Cc}]/u.test(text))
    throw fileFault('this is no http or https URL', 'write it whole: https://HOST/PATH', line)
  // As it is written: a URL parser would normalise what was signed.
  return {
    target: rest === '' ? '/' : rest.startsWith('/') ? rest : `/${rest}`,
    authority,
    encrypted: scheme.toLowerCase() === 'https',
  }
}
