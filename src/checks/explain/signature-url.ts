import type { Finding } from '../../core/finding.ts'
import type { BodyRequest } from '../../core/request.ts'
import { varied } from '../../signing/near-miss/varied.ts'

/** What of its URL a request is signed over: the whole, or its path alone. */
export type SignedPart = 'url' | 'path'

/**
 * What of the URL a scheme signs; `undefined`: nothing. It is told by what the scheme reads while it verifies this
 * request, so that it holds for schemes that are code, and for the one family of several that the request has.
 */
export function signedPart(request: BodyRequest, verify: (one: BodyRequest) => unknown): SignedPart | undefined {
  let part: SignedPart | undefined
  verify({
    ...varied(request, {}),
    get publicUrl() {
      part = 'url'
      return request.publicUrl
    },
    get path() {
      part ??= 'path'
      return request.path
    },
  })
  return part
}

/** That another URL was signed than the gate has, however sure that is. A query may hold a credential, and is only counted. */
export function otherUrl(
  { publicUrl, path }: Pick<BodyRequest, 'publicUrl' | 'path'>,
  part: SignedPart,
): Pick<Finding, 'cause' | 'because' | 'evidence' | 'mend'> {
  if (part === 'path')
    return {
      cause: 'signature.unknown-url',
      because: `the sender signed another path than ${path}, over which the gate verified`,
      evidence: { path },
      mend: 'compare it with the path of the URL in the service: if it differs, let what stands between pass it on as it is, and match it in the route',
    }
  const [url = ''] = publicUrl.split('?', 1)
  const query = publicUrl.slice(url.length + 1)
  const parameters = query === '' ? 0 : query.split('&').length
  const counted =
    parameters === 0 ? 'and no query' : `and a query of ${parameters} parameter${parameters === 1 ? '' : 's'}`
  return {
    cause: 'signature.unknown-url',
    because: `the sender signed another URL than ${url} ${counted}, over which the gate verified`,
    evidence: { url, 'query-parameters': parameters },
    mend: 'compare it with the URL in the service. If scheme, host or port differ, set public-url of the route or the listener to those of the service; if path or query differ, let what stands between pass them on as they are, and match that path in the route',
  }
}

/** Whether a proxy tells that the request came through it. */
export const isProxied = ({ headers }: Pick<BodyRequest, 'headers'>): boolean =>
  headers.has('via') || headers.has('x-forwarded-for')
