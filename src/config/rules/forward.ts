import { error } from '../fault.ts'
import type { Rule } from './context.ts'

/** Settings of TLS for an upstream that is asked in plain HTTP would protect nothing. */
export const tlsToHttps: Rule = function* (file, context) {
  for (const [index, route] of (file.routes ?? []).entries()) {
    const path = ['routes', index, 'forward', 'tls']
    if (!route?.forward?.to?.startsWith('http:') || context.at(path) === undefined) continue
    yield error(path, 'tls: "to" is plain HTTP, so nothing here would be used', 'write https:// in to', 'key')
  }
}
