import { isCredentialName, MASKED } from './credential-name.ts'

/** A URL as it may be shown, whether it can be read or not: without user, password and credentials of its query. */
export function maskedUrl(text: string): string {
  return withoutUser(text).replace(/([?&;#])([^=?&;#]*)=([^&;#]*)/g, (field, mark: string, name: string) =>
    isCredentialName(decoded(name)) ? `${mark}${name}=${MASKED}` : field,
  )
}

/** A URL without user and password (RFC 3986, section 3.2.1). Of one that can't be read, all up to the last "@" counts. */
export function withoutUser(text: string): string {
  const authority = URL.canParse(text) ? /^([^:]*:[\\/]*)[^?#\\/]*@/ : /^([^:]*:[\\/]*).*@/s
  return text.replace(authority, '$1***@')
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
