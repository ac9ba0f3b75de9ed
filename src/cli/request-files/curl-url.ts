/** Where a URL of a curl command leads, beyond what is written. */
export interface CurlUrl {
  /** User and password of the URL, decoded: `user:password`. */
  readonly user: string | undefined
  /** Path and query as curl sends them. */
  readonly target: string
}

/**
 * @param url as it is written
 * @param target its path and query, as they are written
 * @param asIs with --path-as-is
 * @param upload the file of --upload-file
 */
export function curlUrl(url: string, target: string, asIs: boolean, upload: string | undefined): CurlUrl {
  const [, path = '', query = ''] = /^([^?]*)(.*)$/s.exec(target) ?? []
  const plain = asIs ? path : withoutDotSegments(path)
  const file = upload === undefined || upload === '-' || !plain.endsWith('/') ? '' : (upload.split('/').at(-1) ?? '')
  return { user: userOf(url), target: `${plain}${encodeURIComponent(file)}${query}` }
}

function userOf(url: string): string | undefined {
  const [, user] = /^(?:[a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)@/i.exec(url) ?? []
  if (user === undefined) return undefined
  const decoded = decodedOrWritten(user)
  return decoded.includes(':') ? decoded : `${decoded}:`
}

function decodedOrWritten(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** RFC 3986 section 5.2.4, as curl does before it sends. */
function withoutDotSegments(path: string): string {
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  for (const [at, segment] of segments.entries()) {
    const isLast = at === segments.length - 1
    if (segment === '..') kept.pop()
    else if (segment !== '.') kept.push(segment)
    if ((segment === '..' || segment === '.') && isLast) kept.push('')
  }
  return `/${kept.join('/')}`
}
