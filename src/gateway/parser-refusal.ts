import type { PipelineCode, pipelineDenials } from '../pipeline/denials.ts'

/** The refusal that an error of the parser stands for. */
export function parserRefusal(code: string): PipelineCode & keyof typeof pipelineDenials {
  return code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW'
    ? 'request.too-large'
    : 'request.malformed'
}
