import type { RouteConfig } from '../../config/model.ts'
import { parseAddress } from '../../core/address.ts'
import { type Finding, fail, ok, warn } from '../../core/finding.ts'
import type { Resources } from '../../core/resources.ts'
import { destinationOf, dial } from '../../forward/dial.ts'
import { reachOf } from '../../gateway/sender.ts'
import { loadClientTls } from '../../tls/client.ts'
import { ask, isAnswer } from './ask.ts'

const ANSWER_MS = 10_000

/**
 * Asks an address service, over the route's local address and proxy, where requests come from. The service is the
 * operator's choice: nothing but a GET goes there.
 */
export async function lookAtEcho(echo: URL, { forward }: RouteConfig, resources: Resources): Promise<Finding> {
  // Trusted as the system trusts: what the route has for its upstream is for that alone.
  const tls = echo.protocol === 'https:' ? loadClientTls({ 'min-version': 'TLSv1.2' }, resources) : undefined
  const { reach } = reachOf(
    { ...forward, 'allow-private': [echo.hostname.replace(/^\[|\]$/g, '')] },
    { resources, tls },
  )
  try {
    const socket = await dial(destinationOf(echo.origin, forward.timeout.connect, reach))
    const answer = await ask(
      socket,
      {
        method: 'GET',
        path: echo.pathname + echo.search,
        host: echo.host,
        headers: [['User-Agent', 'sallyport-doctor']],
      },
      ANSWER_MS,
    )
    if (!isAnswer(answer)) return unasked(echo, `${answer.message} (${answer.code})`)
    const address = addressIn(answer.body)
    if (address === undefined) return unasked(echo, `it answers ${answer.status} without an address`)
    const local = forward['local-address']
    const evidence = { seen: address, ...(local === undefined ? {} : { 'local-address': local }) }
    if (local !== undefined && forward.proxy === undefined && local !== address)
      return warn(
        'egress.translated',
        `the receiver sees ${address}, and not the local-address ${local}`,
        `give the receiver ${address} for its allow-list, or take the NAT off this way`,
        { evidence },
      )
    return ok('egress.seen', `the receiver sees ${address}`, evidence)
  } catch (error) {
    return unasked(echo, error instanceof Error ? error.message : String(error))
  }
}

function unasked(echo: URL, reason: string): Finding {
  return fail(
    'egress.no-echo',
    `${echo.host} does not tell the address: ${reason}`,
    'name a service that answers with the address it sees',
  )
}

/** The first address in a text or a JSON document. */
export function addressIn(text: string): string | undefined {
  for (const word of text.match(/[0-9A-Fa-f:.]{3,45}/g) ?? []) {
    const address = parseAddress(word)
    if (address) return address.text
  }
  return undefined
}
