import { hash } from 'node:crypto'

/** What of a sender's WebSocket handshake the two ends agree on with each other (RFC 6455 section 4.1). */
export interface WebSocketOffer {
  readonly protocols: string | undefined
  readonly extensions: string | undefined
}

/** Sec-WebSocket-Accept (RFC 6455 section 4.2.2). */
export function acceptOf(key: string): string {
  return hash('sha1', `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64')
}

/**
 * Why a 101 opens no WebSocket, as a sentence for the operator; `undefined` where it does (RFC 6455 section 4.1).
 *
 * @param head of the 101, readable as HTTP/1.1, with its fields of the connection
 * @param key of the handshake
 */
export function faultOfHandshake(head: string, offer: WebSocketOffer, key: string): string | undefined {
  const fields = fieldsOf(head)
  const values = (name: string): string[] => fields.flatMap(([field, value]) => (field === name ? [value] : []))
  const accepts = values('sec-websocket-accept')
  if (accepts.length !== 1 || accepts[0] !== acceptOf(key)) return 'its Sec-WebSocket-Accept is wrong'
  if (values('upgrade').join().toLowerCase() !== 'websocket') return 'it does not upgrade to websocket'
  if (!members(values('connection')).some(option => option.toLowerCase() === 'upgrade'))
    return 'it has no "Connection: Upgrade"'
  const protocols = values('sec-websocket-protocol')
  if (protocols.length > 1) return 'it chooses several subprotocols'
  if (protocols.some(protocol => !members([offer.protocols]).includes(protocol)))
    return 'it chooses a subprotocol that was not offered'
  const offered = members([offer.extensions]).map(extensionName)
  if (members(values('sec-websocket-extensions')).some(extension => !offered.includes(extensionName(extension))))
    return 'it uses an extension that was not offered'
  return undefined
}

function fieldsOf(head: string): (readonly [name: string, value: string])[] {
  return head
    .split('\r\n')
    .slice(1)
    .map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    })
}

/** The members of a list (RFC 9110 section 5.6.1) over all of its fields. No quoted text of these fields holds a comma. */
function members(values: readonly (string | undefined)[]): string[] {
  return values.flatMap(value => value?.split(',') ?? []).flatMap(member => member.trim() || [])
}

const extensionName = (extension: string): string => (extension.split(';', 1)[0] ?? '').trim()
