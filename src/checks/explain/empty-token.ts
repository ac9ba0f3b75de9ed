import type { Finding } from '../../core/finding.ts'
import type { BodyRequest } from '../../core/request.ts'
import { proven } from './finding.ts'

/**
 * Of a header that is there and holds no token: `Authorization: Bearer`, or a field without a value.
 * @param header lower case
 * @param word what the check calls a token
 */
export function emptyToken(name: string, request: BodyRequest, header: string, word = 'token'): Finding | undefined {
  const values = request.headers.all(header)
  if (values.length === 0 || values.some(value => !/^(?:bearer)?\s*$/i.test(value))) return undefined
  const scheme = values.some(value => value.trim() !== '')
  const place = header === 'authorization' ? 'Authorization' : header
  return proven({
    cause: `${name}.empty`,
    because: `the ${word} is empty: nothing stands ${scheme ? 'behind "Bearer" in' : 'in the header'} ${place}, as where a variable in the sender is not set`,
    mend: `set the variable in the sender, or enter the ${word} itself`,
  })
}
