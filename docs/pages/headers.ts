import { RESERVED_HEADERS } from '../../src/forward/field-names.ts'
import { code } from './markdown.ts'

export function reservedHeaders(): string {
  return `${[...RESERVED_HEADERS].sort().map(code).join(', ')}, and every name that begins with \`sallyport-\``
}
