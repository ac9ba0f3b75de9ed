/** How the path that was signed came to differ from the one that was received. */
export type PathChange =
  /** A slash at the end of one of them. */
  | 'slash'
  /** A proxy put something before it, or took it off. */
  | 'rewritten'
  /** Something before it is not signed. */
  | 'shortened'
  /** It was signed without its percent escapes, or in lower case. */
  | 'respelled'

/** A URL that was signed, and what came in its place. */
export interface SignedUrl {
  /** As it was signed, a port that is the scheme's own included. */
  readonly origin: string
  readonly path: string
  /** The path that came, and of the query that came what was signed. */
  readonly received: { readonly path: string; readonly query: string }
}

export const mendOrigin = ({ origin }: SignedUrl): string =>
  `set public-url of the route or the listener to ${origin}, as the sender signs it`

/** public-url holds no path: it is changed where it comes from, and the route has to match what comes then. */
export function mendPath(change: PathChange, { origin, path, received }: SignedUrl): string {
  const query = received.query === '' ? '' : ', and its query behind that as it is'
  const enter = `enter the URL in the service as ${origin}${received.path}${query}`
  const pass = `let the proxy in front pass the path on unchanged, and match ${path} in the route`
  switch (change) {
    case 'slash':
      // No request has an empty path.
      return path === '' ? enter : `${enter}; or ${pass}`
    case 'rewritten':
      return pass
    case 'shortened':
      return `${pass}; without a proxy, let the sender sign the whole path that it calls`
    case 'respelled':
      return 'let the sender sign the path as it calls it; or enter a path in the service of small letters, digits and hyphens alone, and match it in the route'
  }
}

export const mendQuery = (): string =>
  'let the proxy in front add no query; where the URL in the service has it, enter that without, or let the sender sign it too'
