import { randomUUID } from 'node:crypto'
import { type Finding, fail, ok, warn } from '../core/finding.ts'
import type { IntrospectionClient } from './introspection-client.ts'
import { Unanswered } from './introspection-client.ts'

/** Asks the authorization server about a token that nobody has: it must know the gate, and call the token inactive. */
export async function* lookAtEndpoint(client: IntrospectionClient, endpoint: string): AsyncGenerator<Finding> {
  const { host } = new URL(endpoint)
  const token = `sallyport-doctor-${randomUUID()}`
  const answer = await client.ask(token, token)
  client.close()
  if (answer instanceof Unanswered) {
    const refused = /answered 40[13]/.test(answer.because)
    yield fail(
      refused ? 'introspection.client-refused' : 'introspection.unreachable',
      `${host} does not say what a token is worth: ${answer.because}`,
      refused
        ? 'compare client id and secret with those at the authorization server, and allow the client to introspect'
        : 'ask the endpoint by hand from this host: is it the introspection_endpoint of its configuration, and its CA known here?',
    )
  } else if (answer.active === true)
    yield warn(
      'introspection.anything-active',
      `${host} calls a token active that was made up just now`,
      'whatever stands there admits everybody: name the real endpoint',
    )
  else yield ok('introspection.answers', `${host} knows the gate, and calls a token that was made up inactive`)
}
