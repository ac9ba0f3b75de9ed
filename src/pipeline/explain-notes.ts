import { bodyLimit } from '../checks/body-limit.ts'
import { contentEncoding } from '../checks/content-encoding.ts'
import { contentType } from '../checks/content-type.ts'
import { sourceIp } from '../checks/source-ip.ts'
import type { CapturedRequest } from '../core/captured.ts'
import type { HeadRequest } from '../core/request.ts'
import { bytesOf } from './explanation.ts'
import type { RouteCheck } from './route.ts'

/** What a check that passed has seen, in few words; empty where its name says it all. */
export function noteOf(
  { kind, config }: Pick<RouteCheck, 'kind' | 'config'>,
  request: HeadRequest,
  { bodyBytes, source }: Pick<CapturedRequest, 'bodyBytes' | 'source'>,
  principal: { readonly name: string; readonly by: string } | undefined,
): string {
  if (kind.name === principal?.by) return `it is ${principal.name}`
  switch (kind.name) {
    case bodyLimit.name: {
      const max: unknown = typeof config === 'object' && config !== null && 'max' in config ? config.max : undefined
      const bytes = request.contentLength ?? bodyBytes
      return typeof max === 'number' ? bytesOf(bytes, max) : ''
    }
    case contentType.name:
      return request.headers.one('content-type')?.slice(0, 100) ?? 'none'
    case contentEncoding.name:
      return request.headers.one('content-encoding')?.slice(0, 50) ?? 'none'
    case sourceIp.name:
      return source
    default:
      return ''
  }
}
