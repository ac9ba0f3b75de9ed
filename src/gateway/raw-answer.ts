import { http } from '../core/http.ts'
import type { PipelineCode, pipelineDenials } from '../pipeline/denials.ts'

/** The answer to what never became a request, as it goes over the wire; the connection ends with it. */
export function rawAnswer(status: number, problem: string, requestId: string): string {
  return (
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\nContent-Type: application/problem+json\r\n` +
    `Content-Length: ${Buffer.byteLength(problem)}\r\nX-Request-Id: ${requestId}\r\nConnection: close\r\n\r\n${problem}`
  )
}

/** The refusal that an error of the parser stands for. */
export function rawCode(code: string): PipelineCode & keyof typeof pipelineDenials {
  return code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW'
    ? 'request.too-large'
    : 'request.malformed'
}
